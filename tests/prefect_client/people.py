"""What people do on the pages, told once."""

from __future__ import annotations

import time

from browser import Browser
from service import Service

PASSWORD = "seven brave otters count 41 lighthouses"


class Person:
    """Somebody at a browser, with a handle that is also the personal account's."""

    def __init__(self, service: Service, handle: str):
        self.service, self.handle, self.email = service, handle, f"{handle}@example.org"
        self.browser = Browser(service.base)

    def sets_up(self) -> Person:
        """Becomes the first user by the link that the server printed."""
        self.browser.open(self.service.setup_link())
        self._fills_in_the_account()
        return self

    def signs_up(self) -> Person:
        """Signs up and confirms the address by the mail in the outbox, which signs in."""
        self.browser.open("/sign-up")
        self._fills_in_the_account("Create account")
        self.browser.open(self._mailed_link("/verify-email/"))
        page = self.browser.submit(self._button_of_the_page(), {"Password": PASSWORD})
        assert page.status == 200 and page.path == "/workspaces", page.text
        return self

    def signs_in(self) -> Person:
        self.browser.open("/sign-in")
        page = self.browser.submit("Sign in", {"Email": self.email, "Password": PASSWORD})
        assert page.status == 200 and page.path != "/sign-in", page.text
        return self

    def creates_workspace(self, handle: str) -> str:
        self.browser.open("/workspaces/new")
        page = self.browser.submit("Create", {"Handle": handle, "Description": f"Where {handle} is kept"})
        assert page.status == 200 and page.path.startswith(f"/workspaces/{self.handle}/{handle}"), page.text
        return f"{self.handle}/{handle}"

    def creates_organization(self, handle: str) -> None:
        self.browser.open("/organizations/new")
        page = self.browser.submit("Create", {"Name": handle.title(), "Handle": handle})
        assert page.status == 200 and page.path == f"/organizations/{handle}", page.text

    def creates_workspace_of(self, organization: str, handle: str) -> str:
        self.browser.open(f"/workspaces/new?owner={organization}")
        page = self.browser.submit("Create", {"Handle": handle})
        assert page.status == 200 and page.path.startswith(f"/workspaces/{organization}/{handle}"), page.text
        return f"{organization}/{handle}"

    def creates_key(self, name: str, expires: str = "7 days", **more: str) -> str:
        """`more` are other fields of the form, by their labels."""
        self.browser.open("/profile/api-keys/new")
        page = self.browser.submit("Create", {"Name": name, "Expires": expires} | more)
        assert page.status == 200, f"{page}: {page.text}"
        return page.find(r"\b(pnu_\w+)")

    def accepts_invitation(self) -> None:
        """Follows the newest mailed link, and joins."""
        self.browser.open(self._mailed_link("/invitations/"))
        page = self.browser.submit("Accept invitation", {})
        assert page.status == 200, f"{page}: {page.text}"

    def revokes_key(self, name: str) -> None:
        """Takes the link in the key's row, and presses the button on the page behind it."""
        page = self.browser.open("/profile/api-keys")
        links = [link for link in page.links() if is_removal(link.name) and name in row_of(link)]
        assert len(links) == 1, f"one link to revoke {name!r}: {page.text}"
        self.browser.click(links[0])
        page = self.browser.submit(self._button_of_the_page())
        assert page.status == 200, f"{page}: {page.text}"

    def _fills_in_the_account(self, button: str = "") -> None:
        fields = {"Name": self.handle.title(), "Handle": self.handle, "Email": self.email, "Password": PASSWORD}
        page = self.browser.submit(button, fields)
        assert page.status == 200, f"{page}: {page.text}"

    def _mailed_link(self, beginning: str) -> str:
        """The newest link of its kind that was mailed to this person."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            outbox = self.browser.open("/dev/outbox")
            assert outbox.status == 200, f"{outbox}: {outbox.text}"
            for mail in outbox.links():
                if self.email not in row_of(mail) or not mail.get("href").startswith("/dev/outbox/"):
                    continue
                self.browser.click(mail)
                for link in self.browser.page.links():
                    if beginning in link.get("href"):
                        return link.get("href")
            time.sleep(0.2)
        raise AssertionError(f"no mail to {self.email} with a link to {beginning}: {outbox.text}")

    def _button_of_the_page(self) -> str:
        """The name of the button in the page's main part that does what the page is for."""
        main = next(self.browser.page.root.all("main"), self.browser.page.root)
        buttons = [button for form in main.all("form") for button in form.all("button")]
        assert len(buttons) == 1, f"one button, not {[button.name for button in buttons]}"
        return buttons[0].name


def is_removal(name: str) -> bool:
    return name.startswith(("Revoke", "Delete", "Remove"))


def row_of(link) -> str:
    row = link.closest("tr", "li", "article")
    return row.text if row else ""
