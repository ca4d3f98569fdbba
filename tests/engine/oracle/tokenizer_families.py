"""tokenizer.json files of the families that FluxScope reads, with small vocabularies trained here: nothing is downloaded.

Normalizers, expressions, pre-tokenizers, decoders and post-processors are those of the published files of each family.
"""

import json

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

GPT2_WORDS = None  # ByteLevel's own expression
LLAMA3_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN35_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

ADDED = [
    AddedToken("<|im_start|>", special=True),
    AddedToken("<|im_end|>", special=True),
    AddedToken("<mask>", lstrip=True, special=True),
    AddedToken("<tail>", rstrip=True, special=True),
    AddedToken("<both>", lstrip=True, rstrip=True, normalized=False),
    AddedToken("wōrd", single_word=True, normalized=True),
    AddedToken("naïvō é", normalized=True),
    AddedToken("<|im_", normalized=False),
    AddedToken("\n\n\n", normalized=False),
    AddedToken("one two", normalized=True),
]


def trained(corpus, tokenizer, special=(), alphabet=()):
    trainer = trainers.BpeTrainer(vocab_size=1400, special_tokens=list(special), initial_alphabet=list(alphabet), show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.add_special_tokens([token for token in ADDED if token.special])
    tokenizer.add_tokens([token for token in ADDED if not token.special])
    return tokenizer


def byte_level(corpus, words, *, normalizer=None, ignore_merges=False, trim=False, prefix=False, bos=None):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if normalizer:
        tokenizer.normalizer = normalizer
    if words is None:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(words), behavior="isolated"), pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>"] + ([bos] if bos else [])
    trained(corpus, tokenizer, special, pre_tokenizers.ByteLevel.alphabet())
    offsets = processors.ByteLevel(trim_offsets=trim, add_prefix_space=prefix)
    if bos:
        template = processors.TemplateProcessing(single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, tokenizer.token_to_id(bos))])
        tokenizer.post_processor = processors.Sequence([offsets, template])
    else:
        tokenizer.post_processor = offsets
    return json.loads(tokenizer.to_str())


def sentence_piece(corpus, *, normalizer, pre_tokenizer, decoder, byte_fallback=True, fuse_unk=True, ignore_merges=False):
    """As transformers converts SentencePiece files: <unk>, <s>, </s>, the 256 bytes, then what was learned."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trained(corpus, tokenizer, ["<unk>", "<s>", "</s>"])
    learned = json.loads(tokenizer.to_str())
    first = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] * byte_fallback
    texts = sorted((text for text in learned["model"]["vocab"] if text not in first), key=learned["model"]["vocab"].get)
    vocab = {text: i for i, text in enumerate(first + texts)}
    added = [token for token in learned["added_tokens"]]
    for token in added:
        if token["content"] in vocab:
            token["id"] = vocab[token["content"]]
    behind = len(vocab)
    for token in added:
        if token["content"] not in vocab:
            token["id"], behind = behind, behind + 1
    learned["added_tokens"] = sorted(added, key=lambda token: token["id"])
    learned["model"] |= {"vocab": vocab, "byte_fallback": byte_fallback, "fuse_unk": fuse_unk, "ignore_merges": ignore_merges}
    learned |= {"normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "decoder": decoder}
    learned["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {name: {"id": name, "ids": [vocab[name]], "tokens": [name]} for name in ("<s>", "</s>")},
    }
    return learned


def replace(pattern, content):
    return {"type": "Replace", "pattern": {"String": pattern}, "content": content}


def sequence(kind, *steps):
    return {"type": "Sequence", kind: list(steps)}


def metaspace(scheme, split):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}


STRIP = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
BYTES = {"type": "ByteFallback"}
FUSE = {"type": "Fuse"}


def families(corpus):
    return {
        "gpt2": byte_level(corpus, GPT2_WORDS),
        "gpt2-prefix": byte_level(corpus, GPT2_WORDS, prefix=True, trim=True),
        "llama3": byte_level(corpus, LLAMA3_WORDS, ignore_merges=True, trim=True, bos="<|begin_of_text|>"),
        "qwen": byte_level(corpus, QWEN_WORDS, normalizer=normalizers.NFC()),
        "qwen3.5": byte_level(corpus, QWEN35_WORDS, normalizer=normalizers.NFC()),
        "llama2": sentence_piece(
            corpus, normalizer=sequence("normalizers", {"type": "Prepend", "prepend": "▁"}, replace(" ", "▁")), pre_tokenizer=None,
            decoder=sequence("decoders", replace("▁", " "), BYTES, FUSE, STRIP)),
        "mistral": sentence_piece(
            corpus, normalizer=None, pre_tokenizer=metaspace("first", False), decoder=sequence("decoders", replace("▁", " "), BYTES, FUSE, STRIP)),
        "metaspace-always": sentence_piece(
            corpus, normalizer=None, pre_tokenizer=metaspace("always", True), decoder=metaspace("always", True), byte_fallback=False, fuse_unk=True),
        "metaspace-never": sentence_piece(
            corpus, normalizer=sequence("normalizers", {"type": "NFKC"}), pre_tokenizer=metaspace("never", True), decoder=metaspace("never", True),
            byte_fallback=False, fuse_unk=False, ignore_merges=True),
    }


def shredders(corpus):
    """One file for each step and option beyond the families' own, over the same merges."""
    base = byte_level(corpus, GPT2_WORDS)
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}

    def cut(pattern, behavior, invert=False):
        return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}

    for behavior in ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        for invert in (False, True):
            yield f"split-{behavior}-{invert}", base | {"pre_tokenizer": sequence("pretokenizers", cut({"Regex": r"[aeiou]|\d\d|\s"}, behavior, invert), level)}
        yield f"split-text-{behavior}", base | {"pre_tokenizer": sequence("pretokenizers", cut({"String": "e"}, behavior), level)}
        yield f"punctuation-{behavior}", base | {"pre_tokenizer": sequence("pretokenizers", {"type": "Punctuation", "behavior": behavior}, level)}
    yield "split-between", base | {"pre_tokenizer": sequence("pretokenizers", cut({"Regex": r"(?=[A-Z])|\b"}, "Isolated"), level)}
    yield "split-lines", base | {"pre_tokenizer": sequence("pretokenizers", cut({"Regex": r"^\w|\w$|\h\h\H"}, "Isolated"), level)}
    for individual in (False, True):
        yield f"digits-{individual}", base | {"pre_tokenizer": sequence("pretokenizers", {"type": "Digits", "individual_digits": individual}, level)}
    for kind in ("Whitespace", "WhitespaceSplit"):
        yield kind, base | {"pre_tokenizer": sequence("pretokenizers", {"type": kind}, level)}
    for kind in ("NFD", "NFKC", "NFKD", "Lowercase"):
        yield kind, base | {"normalizer": {"type": kind}}
    for left, right in ((True, True), (True, False), (False, True)):
        yield f"strip-{left}-{right}", base | {"normalizer": {"type": "Strip", "strip_left": left, "strip_right": right}}
    yield "replace", base | {"normalizer": sequence("normalizers", {"type": "Replace", "pattern": {"Regex": r"\s"}, "content": "_-"}, {"type": "Lowercase"})}
