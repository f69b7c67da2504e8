//! The interface against its own document: a stranger's tool (schemathesis) makes requests of the
//! document, good and bad ones, and holds each answer against it.
//!
//! `cargo xtask test` installs the tool; without it, this says so and fails.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::Home;

/// Where the server says that it is. It is asked at its real address.
const PUBLIC_URL: &str = "http://127.0.0.1:8787";

/// How bad input may be answered. A link that is not good is answered as one that was: gone.
const REFUSED: &str = "[400, 401, 403, 404, 405, 410, 413, 415, 422]";

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let home = Home::new();
    home.edit("policy.toml", "lifetime_months", "signals = [\"gpc\"]\nlifetime_months");
    let server = home.serve().await;
    let token = home.run(&["token", "new", "--scope", "check", "--scope", "withdraw"]).out;
    let client = reqwest::Client::new();
    let decided = server.decide(&client).await.unwrap();
    let receipt = decided.receipt;
    let link = link(&home, &client, &server.url).await;

    let get = async |path: &str| {
        let answer = client.get(format!("{}{path}", server.url)).send().await.unwrap();
        answer.text().await.unwrap()
    };
    let script = get("/v1/sites/example/ask.js").await;
    let (_, widget) = script.split_once("/v1/widget/").unwrap();
    let document = serde_json::from_str(&get("/openapi.json").await).unwrap();
    let document = narrowed(document, &receipt, &decided.id, &link, &widget[..8]);
    std::fs::write(home.path("openapi.json"), document.to_string()).unwrap();
    let config = format!(
        "[auth.openapi.token]\nbearer = \"{}\"\n\n[auth.openapi.receipt]\nbearer = \"{receipt}\"\n\n\
         [checks.negative_data_rejection]\nexpected-statuses = {REFUSED}\n\n\
         [parameters]\n\"path.site\" = \"example\"\n\"path.region\" = \"eu\"\n\"header.Origin\" = \"{PUBLIC_URL}\"\n",
        token.trim()
    );
    std::fs::write(home.path("schemathesis.toml"), config).unwrap();
    std::fs::write(home.path("hooks.py"), HOOKS).unwrap();

    let output = Command::new(tool())
        .args(["--config-file", "schemathesis.toml", "run", "openapi.json", "--url", &server.url])
        .args(["--max-examples", "25", "--generation-deterministic", "--continue-on-failure"])
        .args(["--no-color", "--warnings", "off"])
        .current_dir(home.path(""))
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", home.path(""))
        .output()
        .unwrap_or_else(|error| panic!("{error}; run `cargo xtask test`, which installs it"));
    let told = String::from_utf8_lossy(&output.stdout);
    println!("{told}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // A tool whose requests are all turned away would be content as well.
    let log = home.log();
    let done: BTreeSet<_> = log.lines().filter_map(fulfilled).collect();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let operation = (method.to_uppercase(), path.clone());
            assert!(done.contains(&operation), "nothing came of any {operation:?}");
        }
    }
}

/// The method and the route of a request that was fulfilled, from a line of the log.
fn fulfilled(line: &str) -> Option<(String, String)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = &line["fields"];
    let text = |name: &str| fields[name].as_str().map(str::to_owned);
    (fields["status"].as_u64()? < 300).then_some((text("method")?, text("route")?))
}

/// A client gives each request a key of its own; the tool draws the same ones again.
const HOOKS: &str = r#"
import itertools, re, schemathesis

drawn = itertools.count()

@schemathesis.hook
def before_call(context, case, kwargs):
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch("[!-~]{16,128}", key):
        case.headers["Idempotency-Key"] = f"{key[:-8]}{next(drawn):08}"
"#;

fn tool() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("target/tools/schemathesis/bin/schemathesis")
}

/// The token of a link that was sent by mail.
async fn link(home: &Home, client: &reqwest::Client, url: &str) -> String {
    let body = json!({
        "subject": "email:owner@example.org", "purposes": ["analytics"], "language": "en",
    });
    let asked = client.post(format!("{url}/v1/sites/example/subscriptions")).json(&body).send();
    assert_eq!(asked.await.unwrap().status(), 202);
    let mails = std::fs::read_dir(home.path("data/mail")).unwrap();
    let mut mails = mails.map(|mail| mail.unwrap().path());
    let mail = mails.find(|path| path.extension().is_some_and(|e| e == "eml")).unwrap();
    let mail = std::fs::read_to_string(mail).unwrap();
    // Quoted-printable: soft line breaks go, `=3D` is an equals sign.
    let plain = mail.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=");
    let (_, rest) = plain.split_once("confirm?token=").unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

/// What the document cannot know and this server does: which purposes, policies and languages there
/// are, and which addresses, receipts and links are good. Without it, most requests that the
/// document allows would end at the first of these.
fn narrowed(mut document: Value, receipt: &str, id: &str, link: &str, widget: &str) -> Value {
    let schemas = &mut document["components"]["schemas"];
    let text = |values: &[&str]| json!({"type": "string", "enum": values});
    schemas["PurposeId"] = text(&["analytics"]);
    schemas["Decision"]["properties"]["choices"]["propertyNames"] = text(&["analytics"]);
    // It rests on consent, so nobody objects to it.
    let methods = schemas["VisitorMethod"]["enum"].as_array_mut().unwrap();
    methods.retain(|method| method != "objection");
    schemas["ReceiptToBundle"]["properties"]["receipt"] = text(&[receipt]);
    schemas["NamedSubject"] = text(&["email:someone@example.org", "phone:+33612345678"]);
    schemas["EmailSubject"] = text(&["email:someone@example.org", "email:other@example.org"]);
    schemas["Decision"]["properties"]["policy"]["maximum"] = 1.into();
    schemas["Decision"]["properties"]["previous"] = json!({"enum": [receipt, null]});
    schemas["Subscription"]["properties"]["language"] = text(&["en"]);
    schemas["AddressAnswer"]["properties"]["token"] = text(&[link]);
    let form = &mut schemas["ChoicesForm"]["allOf"][0];
    form["properties"]["policy"]["maximum"] = 1.into();
    form["properties"]["language"] = text(&["en"]);
    form["properties"]["receipt"] = text(&[receipt]);
    // What `save` says without a purpose hangs on what was objected to before.
    schemas["ChoicesForm"]["allOf"][1]["oneOf"][0]["anyOf"] =
        json!([{"required": ["purpose.analytics"]}, {"required": ["object.analytics"]}]);
    let form = &mut schemas["ChoicesForm"]["allOf"][0];
    form["patternProperties"] = json!({
        "^object\\.analytics$": {"type": "string", "enum": ["on"]},
        "^purpose\\.analytics$": {"type": "string", "enum": ["granted", "refused"]},
    });
    for (path, name, value) in [
        ("/v1/log/{region}/proof/{id}", "id", id),
        ("/v1/sites/{site}/confirm", "token", link),
        ("/v1/widget/{hash}/{file}", "hash", widget),
    ] {
        let parameters = &mut document["paths"][path]["get"]["parameters"];
        let mut named = parameters.as_array_mut().unwrap().iter_mut();
        named.find(|parameter| parameter["name"] == name).unwrap()["schema"] = text(&[value]);
    }
    document
}
