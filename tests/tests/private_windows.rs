//! Private windows: who passes in one is remembered in it, and nowhere else.

use anyhow::{Result, ensure};
use countersign_e2e::stack::Stack;
use countersign_e2e::visitor::{DEVICE, SESSION, Visitor};

const POLICIES: [(&str, &str); 2] = [
    ("settings.yaml", include_str!("../policies/settings.yaml")),
    ("ladder.yaml", include_str!("../policies/ladder.yaml")),
];
const PATH: &str = "/checkout/cart";

fn is_nobody(person: &mut Visitor, where_: &str) -> Result<()> {
    for name in [SESSION, DEVICE] {
        let cookie = person.cookie(name)?;
        ensure!(cookie.is_none(), "{where_}: {name} is known: {cookie:?}");
    }
    Ok(())
}

#[test]
fn who_passes_in_a_private_window_is_remembered_in_it_and_nowhere_else() -> Result<()> {
    let stack = Stack::start("private", &POLICIES)?;
    stack.watched(|stack| {
        let browser = stack.browser()?;
        let private = browser.profile()?;
        let mut person = Visitor::sit_at(private.page()?, stack.https())?;
        person.pass(PATH)?;
        let device = person.device()?;
        // It is remembered there: in the same tab, and in another of the same window.
        person.open_served(PATH)?;
        let mut beside = Visitor::sit_at(private.page()?, stack.https())?;
        beside.open_served(PATH)?;
        ensure!(beside.device()? == device, "another device beside it");

        // Neither in the ordinary window of the same browser nor in a second private one.
        let mut ordinary = Visitor::sit_at(browser.ordinary_page()?, stack.https())?;
        is_nobody(&mut ordinary, "an ordinary window")?;
        ordinary.open_challenged(PATH)?;
        let second = browser.profile()?;
        let mut other = Visitor::sit_at(second.page()?, stack.https())?;
        is_nobody(&mut other, "a second private window")?;
        other.open_challenged(PATH)?;
        // Who passes there is somebody else, and the first stays who they are.
        other.verify(PATH)?;
        ensure!(other.device()? != device, "one device in two windows");
        ordinary.verify(PATH)?;
        ensure!(ordinary.device()? != device, "one device in two windows");
        person.open_served(PATH)?;
        ensure!(person.device()? == device, "another device afterwards");

        // The window is closed: the next one knows nothing of it, and what is left are the others.
        private.close()?;
        let third = browser.profile()?;
        let mut later = Visitor::sit_at(third.page()?, stack.https())?;
        is_nobody(&mut later, "a window after it")?;
        later.pass(PATH)?;
        ensure!(later.device()? != device, "the device came back");
        other.open_served(PATH)?;
        ordinary.open_served(PATH)
    })
}

#[test]
fn in_a_private_window_the_device_is_known_by_its_credential_when_the_session_is_gone() -> Result<()>
{
    let stack = Stack::start("private-passkey", &POLICIES)?;
    stack.watched(|stack| {
        let browser = stack.browser()?;
        let private = browser.profile()?;
        let mut person = Visitor::sit_at(private.page()?, stack.https())?;
        person.pass(PATH)?;
        let device = person.device()?;
        ensure!(person.credentials()?.len() == 1, "no credential was made");
        // Without its session the window's device is known by its credential, and no second one is made.
        person.forget_session()?;
        person.pass(PATH)?;
        ensure!(person.device()? == device, "another device");
        ensure!(
            person.credentials()?.len() == 1,
            "a second credential was made"
        );
        Ok(())
    })
}
