"""A person's browser, as far as pages without script need one: links, forms, cookies."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Element:
    """An element of a page and what is inside it, in order."""

    def __init__(self, tag: str, attributes: dict[str, str], parent: Element | None):
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.children: list[Element | str] = []

    def get(self, name: str, default: str = "") -> str:
        return self.attributes.get(name, default)

    def all(self, *tags: str):
        for child in self.children:
            if isinstance(child, Element):
                if child.tag in tags:
                    yield child
                yield from child.all(*tags)

    def closest(self, *tags: str) -> Element | None:
        here = self
        while here and here.tag not in tags:
            here = here.parent
        return here

    @property
    def text(self) -> str:
        parts = [c if isinstance(c, str) else c.text for c in self.children]
        return " ".join("".join(parts).split())

    @property
    def name(self) -> str:
        """What assistive technology calls it, nearly."""
        return self.get("aria-label") or self.text or self.get("value")


class Document(HTMLParser):
    def __init__(self, html: str):
        super().__init__()
        self.root = self._open = Element("document", {}, None)
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        if tag == "option" and self._open.tag == "option":
            self._open = self._open.parent
        element = Element(tag, {name: value or "" for name, value in attributes}, self._open)
        self._open.children.append(element)
        if tag not in VOID:
            self._open = element

    def handle_startendtag(self, tag, attributes):
        self._open.children.append(Element(tag, {n: v or "" for n, v in attributes}, self._open))

    def handle_endtag(self, tag):
        if closed := self._open.closest(tag):
            self._open = closed.parent

    def handle_data(self, data):
        self._open.children.append(data)


class Page:
    """An answer of the server, read the way a person reads it."""

    def __init__(self, answer: httpx.Response):
        self.answer, self.status, self.url = answer, answer.status_code, str(answer.url)
        self.path = urlsplit(self.url).path
        self.root = Document(answer.text).root

    @property
    def text(self) -> str:
        return self.root.text

    def links(self, name: str = "") -> list[Element]:
        return [link for link in self.root.all("a") if link.name.startswith(name)]

    def buttons(self, name: str = "") -> list[Element]:
        return [button for button in self.root.all("button") if button.name.startswith(name)]

    def find(self, pattern: str) -> str:
        """What the pattern's group matches in the page's source."""
        found = re.search(pattern, self.answer.text)
        assert found, f"{self} does not show {pattern}:\n{self.text}"
        return found[1]

    def field(self, form: Element, label_text: str) -> Element | None:
        """The field of a form that a label names; words after the name, such as "(optional)", do not matter."""
        labels = [label for label in self.root.all("label") if label.text.startswith(label_text)]
        controls = list(form.all("input", "select", "textarea"))
        for label in sorted(labels, key=lambda label: len(label.text)):
            for control in controls:
                if label.get("for") and control.get("id") == label.get("for"):
                    return control
                if control.closest("label") is label:
                    return control
        return None

    def form(self, button: str, labels) -> tuple[Element, Element]:
        """The form that has these fields and this button."""
        for pressed in self.buttons(button):
            form = pressed.closest("form")
            if form and all(self.field(form, label) for label in labels):
                return form, pressed
        raise AssertionError(f"{self} has no form with {list(labels)} and the button {button!r}:\n{self.text}")

    def __repr__(self) -> str:
        return f"{self.answer.request.method} {self.url} → {self.status}"


def is_sent(control: Element) -> bool:
    kind = control.get("type", "text")
    unticked = kind in ("checkbox", "radio") and "checked" not in control.attributes
    return bool(control.get("name")) and kind not in ("submit", "button") and not unticked


def value_of(control: Element) -> str:
    if control.tag == "textarea":
        return "".join(child for child in control.children if isinstance(child, str))
    if control.tag != "select":
        return control.get("value", "on" if control.get("type") in ("checkbox", "radio") else "")
    options = list(control.all("option"))
    chosen = [option for option in options if "selected" in option.attributes] or options[:1]
    return chosen[0].get("value", chosen[0].text) if chosen else ""


def typed(control: Element, wanted: str) -> str:
    if control.tag != "select":
        return wanted
    for option in control.all("option"):
        if option.text.startswith(wanted):
            return option.get("value", option.text)
    raise AssertionError(f"{wanted!r} cannot be chosen from {[option.text for option in control.all('option')]}")


class Browser:
    """Keeps cookies, follows redirects within the site, and fills in forms by the words beside them."""

    def __init__(self, base: str):
        self.base = base
        self.http = httpx.Client(base_url=base, timeout=30, trust_env=False)
        self.page: Page | None = None

    def open(self, address: str) -> Page:
        answer = self.http.get(address, headers={"Sec-Fetch-Site": "none"})
        return self._arrive(answer)

    def click(self, link: Element) -> Page:
        return self.open(urljoin(self.page.url, link.get("href")))

    def submit(self, button: str = "", fields: dict[str, str] | None = None) -> Page:
        """Fills in the form of the present page that has these labels, and presses its button."""
        page, fields = self.page, fields or {}
        form, pressed = page.form(button, fields)
        wanted = {id(page.field(form, label)): value for label, value in fields.items()}
        values: dict[str, list[str]] = {}
        for control in form.all("input", "select", "textarea"):
            if id(control) in wanted:
                values.setdefault(control.get("name"), []).append(typed(control, wanted[id(control)]))
            elif is_sent(control):
                values.setdefault(control.get("name"), []).append(value_of(control))
        if pressed.get("name"):
            values.setdefault(pressed.get("name"), []).append(pressed.get("value"))
        target = pressed.get("formaction") or form.get("action") or page.url
        headers = {"Origin": self.base, "Sec-Fetch-Site": "same-origin"}
        return self._arrive(self.http.post(urljoin(page.url, target), data=values, headers=headers))

    def cookie_header(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies.jar)

    def _arrive(self, answer: httpx.Response) -> Page:
        for _ in range(5):
            if answer.status_code != 303:
                break
            target = urljoin(str(answer.url), answer.headers["location"])
            assert target.startswith(self.base + "/"), f"redirected away, to {target}"
            answer = self.http.get(target, headers={"Sec-Fetch-Site": "same-origin"})
        self.page = Page(answer)
        return self.page
