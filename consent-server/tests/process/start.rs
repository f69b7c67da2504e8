//! Starting: what is made, and what is said when it cannot be done.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// Starts the server over a home that does not allow it; what it said.
#[track_caller]
fn refused(home: &Home) -> String {
    let run = home.run(&["serve"]);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{}", run.err);
    assert!(!run.err.contains("panicked"), "{}", run.err);
    run.err
}

#[tokio::test]
async fn the_first_start_makes_store_and_private_keys() {
    let home = Home::new();
    drop(home.serve().await);
    let mode = std::fs::metadata(home.path("data/eu.keys")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(home.path("data/eu.db").exists());
}

#[test]
fn a_broken_configuration_names_file_line_and_field() {
    let home = Home::new();
    home.edit("consent.toml", "store = \"sqlite:", "store = \"oracle:");
    let told = refused(&home);
    assert_eq!(
        told,
        "error: consent.toml: line 10: region[0].store: must be sqlite:FILE, postgres://USER@HOST/DATABASE, or env:NAME\n"
    );
}

#[test]
fn a_broken_policy_names_file_line_and_field() {
    let home = Home::new();
    home.edit("policy.toml", "lifetime_months = 6", "lifetime_months = 24");
    let told = refused(&home);
    assert_eq!(
        told,
        "error: policy.toml: line 4: lifetime_months: a choice is remembered from 1 to 13 months, not 24\n"
    );
}

#[test]
fn a_missing_configuration_says_how_to_name_it() {
    let home = Home::new();
    let run = home.run(&["serve", "--config", "other.toml"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.err.contains("other.toml: there is no such file; name the configuration with --config"),
        "{}",
        run.err
    );
}

#[test]
fn a_port_in_use() {
    let home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = home.run(&["serve", "--listen", &address]);
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains(&format!("cannot listen on {address}")), "{}", run.err);
    assert!(run.err.contains("choose another address with --listen"), "{}", run.err);
}

#[test]
fn a_store_that_cannot_be_written() {
    let home = Home::new();
    home.edit("consent.toml", "sqlite:data/eu.db", "sqlite:policy.toml/eu.db");
    let told = refused(&home);
    assert!(told.contains("store policy.toml/eu.db: "), "{told}");
    let home = Home::new();
    home.edit("consent.toml", "sqlite:data/eu.db", "sqlite:policy.toml");
    let told = refused(&home);
    assert!(told.contains("store policy.toml: ") && told.contains("not a database"), "{told}");
}

#[tokio::test]
async fn a_published_policy_cannot_be_changed_in_place() {
    let home = Home::new();
    drop(home.serve().await);
    home.edit("policy.toml", "Audience measurement", "Measuring the audience");
    let told = refused(&home);
    assert!(
        told.contains("policy 1 of site 'example' is already published with another content"),
        "{told}"
    );
    assert!(told.contains("the number 2"), "{told}");
    home.edit("policy.toml", "number = 1", "number = 2");
    drop(home.serve().await);
    home.edit("policy.toml", "number = 2", "number = 1");
    assert!(refused(&home).contains("is older than policy 2"));
}

#[tokio::test]
async fn logs_tell_what_was_asked_and_nothing_personal() {
    let home = Home::new();
    let mut server = home.serve().await;
    let token = home.run(&["token", "new", "--scope", "check"]).out;
    let receipt = server.decide(&reqwest::Client::new()).await.unwrap().receipt;
    let client = reqwest::Client::builder().user_agent("Browser/7.0").build().unwrap();
    let site = format!("{}/v1/sites/example", server.url);
    let ask =
        client.get(format!("{site}/check?purpose=analytics&subject=email:someone@example.org"));
    assert_eq!(ask.bearer_auth(token.trim()).send().await.unwrap().status(), 200);
    let subscribe = client.post(format!("{site}/subscriptions")).json(&serde_json::json!({
        "subject": "email:someone@example.org", "purposes": ["analytics"], "language": "en",
    }));
    assert_eq!(subscribe.send().await.unwrap().status(), 202);
    client.get(format!("{site}/someone@example.org")).send().await.unwrap();
    server.terminate();
    assert!(server.process.wait().await.unwrap().success());

    let log = home.log();
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("one JSON object a line");
    }
    assert!(log.contains(r#""route":"/v1/sites/{site}/check","status":200"#), "{log}");
    let signature = receipt.rsplit('.').next().unwrap();
    for personal in ["someone", "example.org", "Browser/7.0", "127.0.0.1", token.trim(), signature]
    {
        assert!(!log.contains(personal), "{personal}: {log}");
    }
}

#[test]
fn keys_that_others_may_read() {
    let home = Home::new();
    let made = home.run(&["token", "new", "--scope", "check"]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    std::fs::set_permissions(home.path("data/eu.keys"), PermissionsExt::from_mode(0o640)).unwrap();
    assert!(refused(&home).contains("chmod 600"));
}

/// Unless it is asked to, it says nothing of a request that went well.
#[tokio::test]
async fn logs_are_quiet_about_what_went_well() {
    let home = Home::new();
    let mut server = home.start(home.command(&["serve", "--log", "json"])).await;
    server.decide(&reqwest::Client::new()).await.unwrap();
    server.terminate();
    assert!(server.process.wait().await.unwrap().success());
    assert!(!home.log().contains(r#""route""#), "{}", home.log());
}
