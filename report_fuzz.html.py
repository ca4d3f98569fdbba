
import html.parser, sys
VOID = {'meta', 'br', 'img', 'link'}
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.tags = [], [], []
    def handle_startendtag(self, tag, attributes): self.check(tag, attributes)
    def handle_starttag(self, tag, attributes):
        self.check(tag, attributes)
        if tag not in VOID: self.open.append(tag)
    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open, self.getpos())
        self.open.pop()
    def check(self, tag, attributes):
        self.tags.append(tag)
        assert tag not in {'script', 'img', 'iframe', 'object', 'a', 'b', 'link', 'base', 'form'}, (tag, self.getpos())
        for name, value in attributes:
            assert not name.startswith('on'), (tag, name)
            if name in {'src', 'href', 'xlink:href'}: assert value.startswith('data:image/png;base64,'), value
            if name == 'id': self.ids.append(value)
text = open(sys.argv[1], encoding='utf-8', errors='strict').read()
assert not any(ord(c) < 32 and c not in '\n\t' for c in text), 'a control character'
page = Page()
page.feed(text)
page.close()
assert not page.open, page.open
assert len(page.ids) == len(set(page.ids)), 'ids repeat'
assert page.tags.count('body') == 1
