"""The page under its own security policy: every tab opens in Chromium without an error in the console."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_every_tab_opens_without_an_error_in_the_console(browser, url):
    page, problems = browser.new_page(viewport={"width": 1280, "height": 900}), []
    page.set_default_timeout(60_000)
    page.on("console", lambda message: problems.append(f"{message.text} {message.location['url']}")
            if message.type == "error" else None)
    answer = page.goto(url)
    assert "object-src 'none'" in answer.headers["content-security-policy"]
    page.locator("body[data-keys=ready]").wait_for()
    for title in page.get_by_role("tab").all_text_contents():
        page.get_by_role("tab", name=title, exact=True).click()
        page.wait_for_timeout(1500)  # figures and previews come after the tab
    page.get_by_role("button", name="Privacy and rules · private mode").click()
    expect(page.get_by_text("Upload pictures of yourself")).to_be_visible()
    page.close()
    assert problems == []


def test_the_policy_shuts_other_hosts(page):
    blocked = page.evaluate("""() => new Promise((resolve) => {
        document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
        const script = document.createElement("script");
        script.src = "https://example.invalid/x.js";
        document.head.append(script);
    })""")
    assert blocked.startswith("script-src")
