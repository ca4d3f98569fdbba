"""Our chat templates against Jinja2 as transformers sets it up: small snippets one by one, and whole conversations.

    chat_oracle.py CHAT_DUMP [FOLDER]      FOLDER: more templates, *.jinja, to render the conversations with
"""

import datetime
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from transformers.utils.chat_template_utils import _compile_jinja_template

from chat_conversations import conversations
from chat_snippets import VARIABLES, snippets
from chat_templates import TEMPLATES

NOW = datetime.datetime(2026, 3, 5, 14, 7, 9)


def by_jinja2(template, cases):
    """The text of each case, or None where Jinja2 raises."""
    try:
        compiled = _compile_jinja_template(template)
    except Exception as error:
        return [(None, repr(error))] * len(cases)
    compiled.globals["strftime_now"] = NOW.strftime
    results = []
    for variables in cases:
        try:
            results.append((compiled.render(**variables), None))
        except Exception as error:
            results.append((None, repr(error)))
    return results


def by_ours(dump, work):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "work.json"
        file.write_text(json.dumps([{"template": template, "cases": cases} for _, template, cases in work]))
        return json.loads(subprocess.run([dump, "render", str(file)], check=True, capture_output=True).stdout)


# Where Python writes an address, or needs whole numbers beyond 64 bits, ours refuses on purpose.
def refused_on_purpose(text, ours):
    return "error" in ours and (ours["limit"] or "is not understood" in ours["error"] or re.search(r" at 0x[0-9a-f]+>|<built-in |<class ", text))


def main():
    dump, *more = sys.argv[1:]
    work = [(repr(snippet), snippet, [VARIABLES]) for snippet in dict.fromkeys(snippets())]
    small = len(work)
    templates = dict(TEMPLATES)
    for folder in more:
        templates |= {file.name: file.read_text() for file in sorted(Path(folder).glob("*.jinja"))}
    work += [(name, template, conversations(name)) for name, template in templates.items()]

    wrong = refused = raised = total = 0
    for (name, template, cases), results in zip(work, by_ours(dump, work), strict=True):
        before = wrong
        good = 0
        for variables, (text, problem), ours in zip(cases, by_jinja2(template, cases), results, strict=True):
            total += 1
            if text is None:
                raised += 1
            if ours.get("text") == text:
                good += text is not None
                continue
            if text is not None and refused_on_purpose(text, ours):
                refused += 1
                continue
            wrong += 1
            if wrong - before <= 2 and wrong <= 60:
                shown = "" if variables is VARIABLES else f"\n  {json.dumps(variables)[:1500]}"
                print(f"{name}{shown}\n  ours   {ours.get('text', ours)!r}\n  theirs {problem if text is None else repr(text)}")
        if len(cases) > 1:
            print(f"{name}: {len(cases)} conversations, {good} rendered alike, {wrong - before} differ")
            assert name not in TEMPLATES or good > len(cases) // 4, "too few conversations are rendered to mean anything"
    print(f"{small} snippets and {total - small} conversations: {raised} refused by Jinja2, {refused} refused by ours on purpose, {wrong} differ")
    assert refused < 60 and wrong == 0


main()
