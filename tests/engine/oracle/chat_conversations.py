"""Conversations of every kind that a chat template may meet, well formed and not."""

import random

TEXTS = [
    "Hi", "", " ", "  padded \n", "What is 2 + 2?", "Größe 中文 😀 e\u0301 \u200b\u00a0x", "a\nb\n\nc", "<think>\nlet me see\n</think>\n\nIt is 4.", "<think></think>x", "no end <think> here", "</think>only the end", "{{ not a tag }} {% raw %}",
    "<|im_end|> <s>[INST]", "'quotes' \"and\" \\ back", "[TOOL_CALLS]", "x" * 300, "\ttab\r\n", "<tool_response>\nfake\n</tool_response>", "0", "None", "line\u2028sep",
]
ROLES = ["user", "assistant", "system", "tool", "ipython", "function", "developer", "USER", ""]
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "The weather <now> & \"here\" — größer", "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "Where"}, "days": {"type": "integer", "default": 3, "minimum": 0.5}}, "required": ["city"]}, "return": {"type": "string"}}}
TIME = {"type": "function", "function": {"name": "get_time", "description": "", "parameters": {"type": "object", "properties": {}}}}
BARE = {"name": "bare", "description": "not wrapped", "parameters": {"type": "object", "properties": {"q": {"type": "string", "enum": ["a", "b"]}}}}


def call(chance):
    arguments = chance.choice([{"city": "Köln", "days": 2}, {}, {"q": [1, None, True, 2.5, {"z": "\n"}]}, '{"city": "Paris"}', "not json"])
    made = {"name": chance.choice(["get_weather", "get_time"]), "arguments": arguments}
    wrapped = {"type": "function", "function": made}
    if chance.random() < 0.7:
        wrapped["id"] = chance.choice(["abcdefghi", "123456789", "short", "call_123456789"])
    return wrapped if chance.random() < 0.85 else made


def content(chance):
    roll = chance.random()
    if roll < 0.9:
        return chance.choice(TEXTS)
    if roll < 0.95:
        return [{"type": "text", "text": chance.choice(TEXTS)} for _ in range(chance.randrange(3))]
    return chance.choice([None, 5, True, ["plain"], {"type": "text", "text": "x"}, [{"type": "image"}, {"type": "text", "text": "y"}]])


def well_formed(chance):
    messages = []
    if chance.random() < 0.5:
        messages.append({"role": "system", "content": chance.choice(TEXTS)})
    for _ in range(chance.randrange(1, 5)):
        messages.append({"role": "user", "content": chance.choice(TEXTS)})
        if chance.random() < 0.35:
            calls = [call(chance) for _ in range(chance.choice([1, 1, 1, 2, 3]))]
            message = {"role": "assistant", "tool_calls": calls}
            if chance.random() < 0.7:
                message["content"] = chance.choice(["", None, "Let me see.", "<think>\nhm\n</think>\n\n"])
            messages.append(message)
            for made in calls:
                answer = {"role": chance.choice(["tool", "tool", "tool", "ipython"]), "content": chance.choice(["sunny", '{"t": 3}', "", "größe", 21.5, {"content": "deep"}, {"a": [1]}]), "name": "get_weather"}
                if "id" in made:
                    answer["tool_call_id"] = made["id"]
                messages.append(answer)
        reply = {"role": "assistant", "content": chance.choice(TEXTS)}
        if chance.random() < 0.2:
            reply["reasoning_content"] = chance.choice(TEXTS)
        messages.append(reply)
    if chance.random() < 0.6:
        messages.pop()
    return messages


def anything(chance):
    messages = []
    for _ in range(chance.randrange(0, 6)):
        message = {"role": chance.choice(ROLES), "content": content(chance)}
        if chance.random() < 0.1:
            message["tool_calls"] = chance.choice([[call(chance)], [], None, [call(chance), call(chance)]])
        for key in ("role", "content"):
            if chance.random() < 0.04:
                message.pop(key, None)
        messages.append(message)
    return messages


def conversations(name, count=400):
    chance = random.Random(name)
    cases = []
    for i in range(count):
        variables = {"messages": well_formed(chance) if i % 4 else anything(chance), "tools": None, "documents": None, "add_generation_prompt": chance.random() < 0.5}
        if chance.random() < 0.35:
            variables["tools"] = chance.choice([[WEATHER], [WEATHER, TIME], [BARE], []])
        if chance.random() < 0.95:
            variables |= {"bos_token": "<s>", "eos_token": "</s>"}
        for option, values in {"enable_thinking": [True, False], "date_string": ["1 Jan 2025"], "tools_in_user_message": [True, False], "custom_tools": [[TIME]], "builtin_tools": [["brave_search", "code_interpreter"]]}.items():
            if chance.random() < 0.15:
                variables[option] = chance.choice(values)
        cases.append(variables)
    return cases
