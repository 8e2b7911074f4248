"""Progress where nobody looks: the tab's title, and a notification at the end if it is allowed."""

from browser import LONG, hold
from hosted import noisy, png


def test_the_time_left_is_said_between_estimates(page):
    name = page.submit(page.upload(png(noisy((160, 160)))), "enhance")
    job = page.wait(name, lambda job: job["progress"]["left"] is not None)
    assert job["state"] == "running"
    assert 0 < job["progress"]["share"] < 1
    page.ask(name, "cancel")


def test_the_title_says_how_far_it_is_and_a_notification_the_end(chromium, page):
    context = chromium.new_context()
    context.grant_permissions(["notifications"], origin=page.address)
    tab = context.new_page()
    name = page.submit(page.upload(png(noisy()), "a photo.png"), preset="fast", **LONG)
    page.wait(name, lambda job: job["progress"]["step"] > 0)
    tab.goto(f"{page.address}/#job={name}")
    tab.wait_for_selector("#stop:enabled")
    hold(tab, "/^\\d+ % · a photo.png$/.test(document.title)")
    assert "left" in tab.inner_text("#job-state")
    assert tab.is_checked("#notify")
    tab.evaluate("""() => {
      window.told = [];
      window.Notification = class { constructor(text) { window.told.push(text); } static permission = "granted"; };
      Object.defineProperty(document, "hidden", {get: () => true});
    }""")
    page.ask(name, "stop")
    tab.wait_for_selector("#save", state="attached")
    hold(tab, "window.told.length > 0")
    assert tab.evaluate("window.told") == ["a photo.png is done."]
    assert tab.title() == "Done · a photo.png"
    context.close()
