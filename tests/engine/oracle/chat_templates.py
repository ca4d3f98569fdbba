"""Templates of our own, in the manners of the families: each uses the means that templates of that family use."""

# Turns in tags, tools listed in a system turn, answers of tools gathered into one turn of the user.
TAGS = r"""
{%- set head = messages[0].content ~ '\n' if messages[0]['role'] == 'system' else 'Be brief.\n' %}
{%- if tools %}
    {{- '<|im_start|>system\n' + head + "\n## Tools" }}
    {%- for tool in tools %}
        {{- "\n- " }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\nA call reads {\"call\": <tool>, \"with\": <object>}.<|im_end|>\n" }}
{%- elif messages[0].role == 'system' or messages|length > 1 %}
    {{- '<|im_start|>system\n' + head + '<|im_end|>\n' }}
{%- endif %}
{%- for m in messages %}
    {%- set plain = (m.role == "user") or (m.role == "assistant" and not m.tool_calls) %}
    {%- if plain or (m.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' + '\n' }}
    {%- elif m.role == "assistant" %}
        {{- '<|im_start|>' ~ m.role }}
        {%- if m.content %}{{- '\n' + m.content }}{%- endif %}
        {%- for c in m.tool_calls %}
            {%- if c.function is defined %}
                {%- set c = c.function %}
            {%- endif %}
            {{- '\n{"call": "' }}
            {{- c.name }}
            {{- '", "with": ' }}
            {{- c.arguments | tojson }}
            {{- '}' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- elif m.role == "tool" %}
        {%- set alone = loop.index0 == 0 or messages[loop.index0 - 1].role != "tool" %}
        {{- '<|im_start|>user' if alone }}
        {{- '\n= ' }}
        {{- m.content }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{% endif %}
"""

# Thoughts: the last question is looked for from the end, and what was thought before it is dropped.
THOUGHTS = r"""
{%- set found = namespace(open=true, at=messages|length - 1) %}
{%- for m in messages[::-1] if m.role == 'user' %}
    {%- set answered = m.content is string and m.content.startswith('<tool_response>') and m.content.endswith('</tool_response>') %}
    {%- if found.open and not(answered) %}
        {%- set found.open = false %}
        {%- set found.at = messages.index(m) %}
    {%- endif %}
{%- endfor %}
{%- for m in messages %}
    {%- set said = m.content if m.content is string else '' %}
    {%- if m.role in ['user', 'system'] %}
        {{- '<' ~ m.role ~ '>\n' ~ said ~ '\n' }}
    {%- elif m.role == "assistant" %}
        {%- set thoughts = '' %}
        {%- if m.reasoning_content is defined and m.reasoning_content is not none %}
            {%- set thoughts = m.reasoning_content %}
        {%- elif '</think>' in said %}
            {%- set thoughts = said.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
            {%- set said = said.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
        {{- '<assistant>\n' }}
        {%- if loop.index0 > found.at and (loop.last or thoughts) %}
            {{- '<think>\n' + thoughts.strip('\n') + '\n</think>\n\n' + said.lstrip('\n') }}
        {%- else %}
            {{- said }}
        {%- endif %}
        {%- for c in m.tool_calls or [] %}
            {%- if not loop.first or said %}{{- '\n' }}{%- endif %}
            {%- set c = c.function or c %}
            {{- c.name ~ '(' ~ (c.arguments if c.arguments is string else c.arguments | tojson) ~ ')' }}
        {%- endfor %}
        {{- '\n' }}
    {%- elif m.role == 'tool' %}
        {{- ('<user>' if loop.first or loop.previtem.role != 'tool' else '') ~ '\n<tool_response>' ~ said ~ '</tool_response>' }}
        {%- if loop.last or loop.nextitem.role != 'tool' %}{{- '\n' }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<assistant>\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %}
"""

# Headers and a date; tools as indented JSON in the system's or the user's turn; one call a turn.
HEADERS = r"""
{{- bos_token }}
{%- set tools = custom_tools if custom_tools is defined else tools %}
{%- if not date_string is defined %}
    {%- set date_string = strftime_now("%d %b %Y") if strftime_now is defined else "never" %}
{%- endif %}
{%- if tools_in_user_message is not defined %}
    {%- set tools_in_user_message = true %}
{%- endif %}
{%- macro header(role) %}{{ '<|' + role + '|>\n\n' }}{% endmacro %}

{#- What the system says comes first, wherever tools go. #}
{%- set system = "" %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- endif %}
{{- header('system') ~ "Date: " + date_string + "\n" }}
{%- if builtin_tools is defined %}
    {{- "Built in: " + builtin_tools | reject('equalto', 'code_interpreter') | join(", ") + "\n\n"}}
{%- endif %}
{%- if not tools is none and not tools_in_user_message %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) ~ "\n\n" }}
    {%- endfor %}
{%- endif %}
{{- system ~ "<|end|>" }}

{%- if tools is not none and tools_in_user_message %}
    {%- if messages | length == 0 %}
        {{- raise_exception("nobody asks, so tools have no place") }}
    {%- endif %}
    {%- set question = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
    {{- header('user') -}}
    {%- for t in tools %}
        {{- t | tojson(indent=2) }}
        {{- "\n" }}
    {%- endfor %}
    {{- question + "<|end|>"}}
{%- endif %}

{%- for m in messages %}
    {%- if m.role in ('ipython', 'tool') %}
        {{- header("ipython") }}
        {{- m.content | tojson if m.content is mapping or m.content is iterable else m.content }}
        {{- "<|end|>" }}
    {%- elif 'tool_calls' in m %}
        {%- if not m.tool_calls|length == 1 %}
            {{- raise_exception("one call at a time, not " ~ m.tool_calls|length) }}
        {%- endif %}
        {%- set c = m.tool_calls[0].function %}
        {{- header('assistant') -}}
        {%- if builtin_tools is defined and c.name in builtin_tools %}
            {{- c.name + "(" }}
            {%- for key, value in c.arguments | items %}
                {{- key + '="' + value + '"' }}
                {%- if not loop.last %}
                    {{- ", " }}
                {%- endif %}
            {%- endfor %}
            {{- ")" }}
        {%- else %}
            {{- '{"do": "' + c.name + '", "with": ' }}
            {{- c.arguments | tojson }}
            {{- "}" }}
        {%- endif %}
        {{- "<|more|>" if builtin_tools is defined else "<|end|>" }}
    {%- else %}
        {{- header(m['role']) ~ m['content'] | trim ~ '<|end|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- header('assistant') }}
{%- endif %}
"""

# All in one line: turns checked by their places, the system's words inside the first turn.
ONE_LINE = "{% set rest = messages %}{% set system = false %}{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% set system = messages[0]['content'] %}{% endif %}{% for m in rest %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('it is not the turn of ' + m['role']) }}{% endif %}{% set said = '<<' + system + '>>\\n\\n' + m['content'] if loop.index0 == 0 and system != false else m['content'] %}{% if m['role'] == 'user' %}{{ bos_token + '[Q] ' + said.strip() + ' [/Q]' }}{% elif m['role'] == 'assistant' %}{{ ' '  + said.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"

# Turns counted with a namespace, tools before the last question pair by pair, calls with ids of nine characters.
COUNTED = r"""
{%- set rest = messages %}
{%- if messages and messages[0]["role"] == "system" %}
    {%- set system, rest = messages[0]["content"], messages[1:] %}
{%- endif %}
{%- set questions = rest | selectattr("role", "equalto", "user") | list %}
{%- set turns = namespace() %}
{%- set turns.count = 0 %}
{%- for m in rest if not (m.role in ["tool", "tool_results"] or (m.tool_calls is defined and m.tool_calls is not none)) %}
    {%- if (m["role"] == "user") != (turns.count % 2 == 0) %}
        {{- raise_exception("message " ~ loop.index ~ " is out of turn") }}
    {%- endif %}
    {%- set turns.count = turns.count + 1 %}
{%- endfor %}

{{- bos_token }}
{%- for m in rest %}
    {%- if m["role"] == "user" %}
        {%- if tools is not none and (m == questions[-1]) %}
            {{- "[T]" }}
            {%- for tool in tools %}
                {{- '{' }}
                {%- for key, value in tool.function.items() if key != "return" %}
                    {{- '"' + key + '": ' ~ ('"' + value + '"' if value is string else value|tojson) }}
                    {%- if not loop.last %}{{- ", " }}{%- endif %}
                {%- endfor %}
                {{- "}" ~ ("." if loop.last else ", ") }}
            {%- endfor %}
            {{- "[/T]" }}
        {%- endif %}
        {{- "[Q]" + (system + "\n\n" if loop.last and system is defined else "") + m["content"] + "[/Q]" }}
    {%- elif m.tool_calls is defined and m.tool_calls is not none %}
        {{- "[C]" }}
        {%- for c in m.tool_calls %}
            {%- set text = c.function|tojson %}
            {%- if not c.id is defined or c.id|length != 9 %}
                {{- raise_exception("an id has nine characters") }}
            {%- endif %}
            {{- text[:-1] + ', "id": "' + c.id + '"}' + (", " if not loop.last else eos_token) }}
        {%- endfor %}
    {%- elif m["role"] == "assistant" %}
        {{- " " + m["content"]|trim + eos_token }}
    {%- elif m["role"] == "tool_results" or m["role"] == "tool" %}
        {%- set said = m.content.content if m.content is defined and m.content.content is defined else m.content %}
        {%- if not m.get('tool_call_id') or m.tool_call_id|length != 9 %}
            {{- raise_exception("an id has nine characters") }}
        {%- endif %}
        {{- '[R]' + said|string + " for " + m.tool_call_id + "[/R]" }}
    {%- else %}
        {{- raise_exception("role " ~ m.role ~ " is not known here") }}
    {%- endif %}
{%- endfor %}
"""

# Content in parts, macros, generation blocks, break and continue, filters and captures: what newer templates of other families do.
MODERN = r"""
{%- macro text_of(content, between='\n') -%}
    {%- if content is string -%}
        {{ content }}
    {%- elif content is iterable and content is not mapping -%}
        {%- for part in content -%}
            {%- if part is string -%}{{ part }}
            {%- elif part.type == 'text' -%}{{ part['text'] }}
            {%- else -%}{{ '<' ~ (part.type | default('thing') | upper) ~ '>' }}
            {%- endif -%}
            {%- if not loop.last -%}{{ between }}{%- endif -%}
        {%- endfor -%}
    {%- elif content is none -%}
    {%- else -%}{{ content | tojson }}
    {%- endif -%}
{%- endmacro -%}
{%- macro turn(role) %}[{{ role | capitalize }}]{{ caller(role) }}[/{{ role | title }}]{% endmacro -%}
{% set system = messages | selectattr('role', 'defined') | selectattr('role', 'equalto', 'system') | map(attribute='content') | map('string') | join(' / ') %}
{% if system %}{{ system | indent(2, first=true) }}
{% endif %}
{% set kinds = messages | map(attribute='role') | select('string') | unique | sort | join(',') %}
{# which roles there are #}
{{ kinds }}:{{ messages | length }}
{% for message in messages if message.role != 'system' %}
    {% if message.role not in ['user', 'assistant', 'tool'] %}
        {% continue %}
    {% endif %}
    {% if loop.index > 8 %}{% break %}{% endif %}
    {% if message.role == 'assistant' %}
        {% generation %}
{{ text_of(message.content) }}{{ eos_token }}
        {% endgeneration %}
    {% else %}
        {% call(r) turn(message.role) -%}
            {{ loop.index }}{{ loop.cycle('a', 'b') }} {{ r }}: {{ text_of(message.content, between=' + ') | replace('<|im_end|>', '') }}
        {%- endcall %}

    {% endif %}
    {% for call in message.tool_calls | default([], true) %}
        {% set f = call.function if call.function is defined else call %}
        {% if f.arguments is mapping %}
            {% for k, v in f.arguments | dictsort %}
{{ '%s=%s' | format(k, v if v is string else v | tojson) }};{% endfor %}
        {% else %}
{{ f.arguments }}
        {% endif %}
    {% endfor %}
{% else %}
nobody speaks
{% endfor %}
{% set closing %}
{% if add_generation_prompt %}{% filter upper %}assistant{% endfilter %}{% endif %}
{% endset %}
{{ closing | trim }}
{% if tools %}{{ tools | map(attribute='function.name') | list }}{{ (tools | first).function.parameters.properties.keys() | list | join('|') }}{% endif %}
"""

TEMPLATES = {"tags": TAGS, "thoughts": THOUGHTS, "headers": HEADERS, "one-line": ONE_LINE, "counted": COUNTED, "modern": MODERN}
