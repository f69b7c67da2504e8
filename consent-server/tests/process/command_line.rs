//! Asking on the command line: results on standard output, the answer in the exit code.

use consent_core::Digest;
use data_encoding::BASE64;

use super::*;

#[tokio::test]
async fn a_receipt_is_verified_and_printed_for_people() {
    let home = Home::new();
    let server = home.serve().await;
    let receipt = server.decide(&reqwest::Client::new()).await.unwrap().receipt;
    std::fs::write(home.path("receipt.jws"), &receipt).unwrap();
    let genuine = home.run(&["verify", "receipt.jws"]);
    assert_eq!(genuine.code, Some(0), "{}", genuine.err);
    assert!(genuine.out.starts_with("genuine\n"), "{}", genuine.out);
    assert!(
        genuine.out.contains("purpose     analytics: granted (basis: consent)"),
        "{}",
        genuine.out
    );

    for (i, check) in
        [(10, "format"), (receipt.len() / 2, "signature"), (receipt.len() - 5, "signature")]
    {
        let mut bytes = receipt.clone().into_bytes();
        bytes[i] = if bytes[i] == b'A' { b'B' } else { b'A' };
        std::fs::write(home.path("changed.jws"), bytes).unwrap();
        let changed = home.run(&["verify", "changed.jws"]);
        assert_eq!(changed.code, Some(1));
        assert!(changed.out.starts_with(&format!("not genuine: {check}")), "{i}: {}", changed.out);
    }
    let json = home.run(&["verify", "--json", "changed.jws"]);
    assert_eq!(
        (json.code, json.out.as_str()),
        (Some(1), "{\"valid\":false,\"failed\":\"signature\"}\n")
    );
    let text = home.run(&["verify", "--as", "text", "receipt.jws"]);
    assert_eq!(text.code, Some(0), "{}", text.err);
    assert!(text.out.contains("* Audience measurement: you agreed."), "{}", text.out);
    let dpv = home.run(&["verify", "--as", "dpv", "receipt.jws"]).out;
    assert!(dpv.contains("\"dpv:ConsentGiven\""), "{dpv}");
    let kantara = home.run(&["verify", "--as", "kantara", "receipt.jws"]).out;
    assert!(kantara.contains("\"version\": \"KI-CR-v1.1.0\""), "{kantara}");
    let changed = home.run(&["verify", "--as", "text", "changed.jws"]);
    assert_eq!((changed.code, changed.out.starts_with("not genuine")), (Some(1), true));

    let missing = home.run(&["verify", "missing.jws"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.err.contains("missing.jws: No such file"), "{}", missing.err);
    std::fs::write(home.path("huge"), vec![b'a'; 1 << 20]).unwrap();
    assert!(home.run(&["verify", "huge"]).out.starts_with("not genuine: size"));
}

#[tokio::test]
async fn a_check_answers_with_its_exit_code() {
    let home = Home::new();
    let check = |subject: &str| {
        home.run(&["check", "--site", "example", "--purpose", "analytics", subject])
    };
    let before = check("email:someone@example.org");
    assert_eq!(before.code, Some(2), "no server was ever started: an error, not an answer");
    assert!(before.err.contains("start the server once"), "{}", before.err);

    let server = home.serve().await;
    let unknown = check("email:someone@example.org");
    assert_eq!(unknown.code, Some(1), "{}", unknown.err);
    assert_eq!(unknown.out, "not allowed: nothing is recorded: this subject was never asked\n");

    let receipt = server.decide(&reqwest::Client::new()).await.unwrap().receipt;
    std::fs::write(home.path("receipt.jws"), &receipt).unwrap();
    let claims: serde_json::Value =
        serde_json::from_str(&home.run(&["verify", "--json", "receipt.jws"]).out).unwrap();
    let subject = claims["claims"]["sub"].as_str().unwrap();
    let granted = check(subject);
    assert_eq!(
        (granted.code, granted.out.as_str()),
        (Some(0), "allowed: the subject agreed, and the agreement is in force\n")
    );
    let json = home.run(&["check", "--json", "--purpose", "analytics", subject]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&json["allowed"], &json["state"]), (&true.into(), &"granted".into()));

    for (arguments, told) in [
        (
            ["check", "--site", "other", "--purpose", "analytics", subject],
            "there is no site 'other'; there are example",
        ),
        (["check", "--site", "example", "--purpose", "ads", subject], "no purpose 'ads'"),
        (["check", "--site", "example", "--purpose", "service", subject], "rests on contract"),
        (
            ["check", "--site", "example", "--purpose", "analytics", "someone@example.org"],
            "must be 'email:'",
        ),
    ] {
        let wrong = home.run(&arguments);
        assert_eq!((wrong.code, wrong.out.as_str()), (Some(2), ""));
        assert!(wrong.err.contains(told), "{}", wrong.err);
    }
}

#[tokio::test]
async fn a_token_made_here_opens_the_check() {
    let home = Home::new();
    let server = home.serve().await;
    let made = home.run(&["token", "new", "--site", "example", "--scope", "check"]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let path = "/v1/sites/example/check?purpose=analytics&subject=email:someone@example.org";
    let request = reqwest::Client::new().get(format!("{}{path}", server.url));
    let without = request.try_clone().unwrap().send().await.unwrap();
    assert_eq!(without.status(), 401);
    let with = request.bearer_auth(made.out.trim()).send().await.unwrap();
    assert_eq!(with.status(), 200);
    let answer: serde_json::Value = with.json().await.unwrap();
    assert_eq!((&answer["allowed"], &answer["state"]), (&false.into(), &"never_asked".into()));
}

#[tokio::test]
async fn the_snippet_is_what_the_server_sends_and_its_hash_fits() {
    let home = Home::new();
    let server = home.serve().await;
    let loader = format!("{}/v1/sites/example/consent.js", server.url);
    let loader = reqwest::get(loader).await.unwrap().text().await.unwrap();
    let html = home.run(&["snippet"]);
    assert_eq!(html.out, format!("<script>{loader}</script>\n"), "{}", html.err);
    let digest = BASE64.encode(Digest::of(loader.as_bytes()).as_bytes());
    assert!(html.err.contains(&format!("script-src 'sha256-{digest}' ")), "{}", html.err);
    assert!(!loader.contains("</"), "nothing in it ends the element");
    let json = home.run(&["snippet", "--json"]).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["hash"], format!("'sha256-{digest}'"));
    assert_eq!(json["policy"], 1);
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let home = Home::new();
    for command in [
        &["serve"][..],
        &["check"],
        &["verify"],
        &["policy", "check"],
        &["policy", "diff"],
        &["snippet"],
        &["token", "new"],
        &["log", "verify"],
        &["log", "export"],
        &["export"],
        &["bundle"],
        &["replay"],
        &["erase"],
        &["backup"],
        &["restore"],
    ] {
        let run = home.run(&[command, &["--help"]].concat());
        assert_eq!(run.code, Some(0));
        assert!(run.out.contains(":\n  consent "), "{}", run.out);
    }
}

#[tokio::test]
async fn a_change_of_policy_is_explained_before_it_is_published() {
    let home = Home::new();
    let check = home.run(&["policy", "check", "policy.toml"]);
    assert_eq!(check.code, Some(0), "{}", check.out);
    assert!(check.out.starts_with("valid: policy 1, SHA-256 "), "{}", check.out);

    std::fs::copy(home.path("policy.toml"), home.path("next.toml")).unwrap();
    home.edit("next.toml", "number = 1", "number = 2");
    let diff = |arguments: &[&str]| {
        home.run(&[&["policy", "diff", "policy.toml", "next.toml"], arguments].concat())
    };
    let same = diff(&[]);
    assert_eq!((same.code, same.out.as_str()), (Some(0), "policy 1 → 2\n\nnothing differs\n"));

    home.edit("next.toml", "name = \"Example\"", "name = \"Sample\"");
    let editorial = diff(&[]);
    assert_eq!(editorial.code, Some(0), "{}", editorial.out);
    assert!(editorial.out.contains("editorial  name\n"), "{}", editorial.out);
    assert!(editorial.out.ends_with("nobody is asked again\n"), "{}", editorial.out);

    home.edit("next.toml", "retention_months = 13", "retention_months = 25");
    let material = diff(&[]);
    assert_eq!(material.code, Some(1), "{}", material.out);
    assert!(
        material.out.ends_with(
            "\nanalytics\n  Asked again because the data for “Audience measurement” are kept for \
             longer: 25 months instead of 13.\n"
        ),
        "{}",
        material.out
    );
    let json: serde_json::Value = serde_json::from_str(&diff(&["--json"]).out).unwrap();
    assert_eq!(json["differences"][0]["material"], false);
    assert_eq!(json["differences"][1]["reason"], "retention_longer");
    assert_eq!(json["differences"][1]["asks_again"][0], "analytics");
    let french = diff(&["--language", "fr", "--json"]).out;
    assert!(french.contains("25 mois au lieu de 13"), "{french}");

    let backwards = home.run(&["policy", "diff", "next.toml", "policy.toml"]);
    assert_eq!(backwards.code, Some(2));
    assert!(backwards.err.contains("policy.toml: number: a policy that follows policy 2 has"));

    home.edit("next.toml", "lifetime_months = 6", "lifetime_months = 14");
    let broken = home.run(&["policy", "check", "next.toml"]);
    assert_eq!(broken.code, Some(1));
    assert!(broken.out.starts_with("line 4: lifetime_months: "), "{}", broken.out);
    let json = home.run(&["policy", "check", "--json", "next.toml"]).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["valid"], &json["faults"][0]["line"]), (&false.into(), &4.into()));
    assert_eq!(diff(&[]).code, Some(2));
}
