//! Marketing's way: the form asks, the owner of the address answers, the check tells.

use consent_tests::{Stage, wait_for};
use thirtyfour::By;

const ADDRESS: &str = "someone@example.org";
const SUBJECT: &str = "email:someone@example.org";

async fn type_address(stage: &Stage) {
    stage.visit().await;
    stage.browser.press("button[value=refuse]").await;
    stage.browser.gone().await;
    let driver = stage.browser.driver();
    stage.browser.type_into("#newsletter input[name=email]", ADDRESS).await;
    stage.browser.press_in_page("#newsletter input[value=communications]").await;
    stage.browser.press_in_page("#newsletter button[type=submit]").await;
    wait_for("the form's answer", async || {
        let status =
            driver.find(By::Css("#newsletter [role=status]")).await.ok()?.text().await.ok()?;
        (!status.is_empty()).then_some(())
    })
    .await;
}

/// Follows the link of the newest mail, as shown by the demo.
async fn follow_the_link(stage: &Stage) {
    stage.browser.open(&format!("{}/mail", stage.at.consent)).await;
    let link = wait_for("the mail's link", async || {
        let link = stage.browser.driver().find(By::Css("a[href*='/confirm?token=']")).await.ok()?;
        link.attr("href").await.ok()?
    })
    .await;
    stage.browser.open(&link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_confirms_and_withdraws() {
    let stage = Stage::set().await;
    assert_eq!(stage.check(SUBJECT, "communications").await, (false, "never_asked".into()));
    type_address(&stage).await;
    assert_eq!(stage.check(SUBJECT, "communications").await, (false, "unconfirmed".into()));
    assert_eq!(stage.check(SUBJECT, "email.open_tracking").await, (false, "never_asked".into()));

    follow_the_link(&stage).await;
    assert_eq!(stage.check(SUBJECT, "communications").await, (false, "unconfirmed".into()));
    stage.browser.press_in_page("button[value=accept]").await;
    wait_for("the grant", async || {
        (stage.check(SUBJECT, "communications").await == (true, "granted".into())).then_some(())
    })
    .await;

    follow_the_link(&stage).await;
    stage.browser.press_in_page("button[value=withdraw]").await;
    wait_for("the withdrawal", async || {
        (stage.check(SUBJECT, "communications").await == (false, "withdrawn".into())).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_asks_for_at_least_one_purpose() {
    let stage = Stage::set().await;
    stage.visit().await;
    stage.browser.press("button[value=refuse]").await;
    stage.browser.gone().await;
    let driver = stage.browser.driver();
    stage.browser.type_into("#newsletter input[name=email]", ADDRESS).await;
    let ticked = driver.find_all(By::Css("#newsletter input[name=purpose]:checked")).await.unwrap();
    assert!(ticked.is_empty(), "nothing is ticked beforehand");
    stage.browser.press_in_page("#newsletter button[type=submit]").await;
    let error = driver.find(By::Css("#newsletter-error")).await.unwrap();
    wait_for("the error", async || (!error.text().await.ok()?.is_empty()).then_some(())).await;
    assert_eq!(stage.check(SUBJECT, "communications").await, (false, "never_asked".into()));
}
