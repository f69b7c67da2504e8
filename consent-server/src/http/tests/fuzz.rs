//! Requests that nobody meant: anything at all, and what is almost right. Whatever comes, the answer
//! is no fault of the server's, every refusal is a problem, and nothing is stored by it.

use std::time::{Duration, Instant};

use axum::http::{HeaderValue, Method};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::json;

use super::*;

/// How long requests are made up.
const TIME: Duration = Duration::from_secs(5);

/// A request that is made up.
#[derive(Clone)]
struct Made {
    method: Method,
    path: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} {}", self.method, self.path)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", value.escape_ascii())?;
        }
        write!(f, "{}", self.body.escape_ascii())
    }
}

/// What is right, for others to be made of it.
#[derive(Debug, Clone)]
struct Right {
    receipt: String,
    bearer: String,
    link: String,
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        select(vec!["granted", "analytics", "en", "1", "", "withdrawal", "email:a@example.org"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((any::<String>(), inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// An object with some of its fields lost, replaced, or joined by others.
fn almost(right: Value) -> impl Strategy<Value = Value> {
    let names: Vec<String> = right.as_object().unwrap().keys().cloned().collect();
    let name = prop_oneof![4 => select(names), 1 => any::<String>()];
    let change = (name, prop_oneof![3 => any_json().prop_map(Some), 1 => Just(None)]);
    vec(change, 0..3).prop_map(move |changes| {
        let mut object = right.as_object().unwrap().clone();
        for (name, value) in changes {
            match value {
                Some(value) => object.insert(name, value),
                None => object.remove(&name),
            };
        }
        Value::Object(object)
    })
}

/// Bytes, some of which are changed, or from which on all are cut off.
fn damaged(right: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let damage = prop_oneof![
        6 => Just(None),
        1 => (any::<Index>(), any::<Option<u8>>()).prop_map(Some),
    ];
    (right, damage).prop_map(|(mut bytes, damage)| {
        if let Some((index, byte)) = damage
            && !bytes.is_empty()
        {
            let index = index.index(bytes.len());
            match byte {
                Some(byte) => bytes[index] = byte,
                None => bytes.truncate(index),
            }
        }
        bytes
    })
}

fn bodies(right: &Right) -> impl Strategy<Value = Vec<u8>> + use<> {
    let Right { receipt, link, .. } = right;
    let objects = [
        json!({"policy": 1, "choices": {"analytics": "granted"}, "method": "preferences",
            "language": "en", "previous": receipt, "layer": "banner", "signals": ["gpc"],
            "since": 1}),
        json!({"policy": 1, "choices": {"analytics": "refused", "communications": "granted"},
            "method": "preferences", "language": "en"}),
        json!({"subject": "email:a@example.org", "purposes": ["communications"], "language": "en"}),
        json!({"subject": "phone:+33612345678", "purposes": ["communications"]}),
        json!({ "receipt": receipt }),
    ];
    let json = objects.map(|object| {
        almost(object).prop_map(|object| serde_json::to_vec(&object).unwrap()).boxed()
    });
    let forms = [
        format!("policy=1&language=en&visit=x&choice=accept&receipt={receipt}"),
        "policy=1&language=en&visit=x&choice=save&purpose.analytics=granted&object.safety=on"
            .into(),
        format!("token={link}&choice=accept"),
    ];
    let field = prop_oneof![
        any::<String>(),
        "[a-z.]{1,12}=[a-z0-9]{0,8}",
        select(vec!["choice=refuse", "choice=withdraw", "policy=2", "since=1", "language=fr"])
            .prop_map(str::to_owned),
    ];
    let forms = forms.map(|form| {
        vec(field.clone(), 0..3)
            .prop_map(move |more| [vec![form.clone()], more].concat().join("&").into_bytes())
            .boxed()
    });
    let right = proptest::strategy::Union::new(json.into_iter().chain(forms));
    prop_oneof![12 => damaged(right), 1 => vec(any::<u8>(), 0..300)]
}

fn paths(right: &Right) -> impl Strategy<Value = String> + use<> {
    let (receipt, link) = (&right.receipt, &right.link);
    let known = [
        "/v1/sites/example/decisions".to_owned(),
        "/v1/sites/example/withdrawals".into(),
        "/v1/sites/example/subscriptions".into(),
        "/v1/sites/example/choices".into(),
        "/v1/sites/example/confirm".into(),
        format!("/v1/sites/example/confirm?token={link}"),
        "/v1/sites/example/check?subject=email:a@example.org&purpose=communications".into(),
        "/v1/sites/example/me".into(),
        "/v1/sites/example/banner?lang=fr&since=1".into(),
        "/v1/receipts/verify".into(),
        "/v1/receipts/bundle".into(),
        "/v1/log/eu/checkpoint".into(),
        "/v1/log/eu/tile/0/000.p/1".into(),
        format!("/v1/log/eu/proof/{receipt}"),
        "/readyz".into(),
    ];
    // Of each request as many as it takes to get past what is refused first.
    let known = prop_oneof![
        3 => select(known[..5].to_vec()),
        2 => select(known.to_vec()),
    ];
    let more = prop_oneof![
        10 => Just(String::new()),
        1 => "[?/&][a-z]{0,8}=?[a-zA-Z0-9%:/.]{0,12}",
    ];
    prop_oneof![
        20 => (known, more).prop_map(|(path, more)| path + &more),
        1 => "(/[a-z0-9%._~-]{0,12}){1,6}",
    ]
}

fn headers(right: &Right) -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> + use<> {
    let Right { receipt, bearer, .. } = right;
    let header = |name: &'static str, right: &[&str], always: u32| {
        let right: Vec<Vec<u8>> = right.iter().map(|value| value.as_bytes().to_vec()).collect();
        prop_oneof![
            always => select(right).prop_map(move |value| Some((name, value))),
            3 => Just(None),
            1 => vec(any::<u8>(), 0..40).prop_map(move |value| Some((name, value))),
        ]
    };
    let receipt = format!("Bearer {receipt}");
    let json = "application/json";
    let form = "application/x-www-form-urlencoded";
    (
        header("content-type", &[json, json, form, "text/plain", "application/json; x"], 20),
        header("origin", &[OWN, OWN, EMBED, "https://elsewhere.example"], 10),
        header("authorization", &[bearer, bearer, &receipt, "Basic eDp5", "Bearer"], 10),
        header("idempotency-key", &["0123456789abcdef", "6f1c2a34-0000-4000-8000-1", "x"], 2),
        header("accept-language", &["fr, en;q=0.5", "*", "xx-yy-zz"], 2),
        header("cookie", &["consent=1.2.3", "consent=2.1.1.1767225600.ggg; a=b"], 1),
        header("sec-gpc", &["1", "0"], 1),
    )
        .prop_map(|(a, b, c, d, e, f, g)| [a, b, c, d, e, f, g].into_iter().flatten().collect())
}

fn requests(right: &Right) -> impl Strategy<Value = Made> + use<> {
    let method = prop_oneof![
        12 => Just(Method::POST),
        6 => Just(Method::GET),
        1 => select(vec![Method::PUT, Method::HEAD, Method::OPTIONS, Method::DELETE]),
    ];
    (method, paths(right), headers(right), bodies(right))
        .prop_map(|(method, path, headers, body)| Made { method, path, headers, body })
}

/// Everything that decisions and events leave behind.
const STORED: &str = "SELECT (SELECT count(*) FROM receipt) + (SELECT count(*) FROM event) \
    + (SELECT coalesce(sum(version), 0) FROM subject) + (SELECT count(*) FROM request) \
    + (SELECT count(*) FROM token)";

async fn send(test: &TestApp, made: &Made) -> Option<Answer> {
    let mut request = Request::builder().method(made.method.clone()).uri(&made.path);
    for (name, value) in &made.headers {
        // What no header can hold does not come this far.
        request = request.header(*name, HeaderValue::from_bytes(value).ok()?);
    }
    Some(test.send(request.body(Body::from(made.body.clone())).ok()?).await)
}

fn check(made: &Made, answer: &Answer, before: i64, after: i64) -> Result<(), TestCaseError> {
    let status = answer.status.as_u16();
    prop_assert!(status < 500, "{status}: {}", answer.text);
    let is_read = made.method != Method::POST;
    prop_assert!(before == after || (answer.status.is_success() && !is_read), "{status} stored");
    if status < 400 || made.method == Method::HEAD {
        return Ok(());
    }
    let kind = answer.header("content-type");
    let for_people = ["/choices", "/confirm"].iter().any(|page| made.path.contains(page));
    if for_people && kind.starts_with("text/html") {
        return Ok(());
    }
    prop_assert_eq!(kind, "application/problem+json");
    let told: Value = serde_json::from_str(&answer.text).unwrap();
    prop_assert!(told["type"].as_str().is_some_and(|name| name.starts_with("/problems/")));
    prop_assert_eq!(&told["status"], status);
    prop_assert!(told["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    Ok(())
}

#[test]
fn whatever_is_sent_is_no_fault_of_the_server() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (test, right) = runtime.block_on(async {
        let test = TestApp::new().await;
        let receipt = test.decide(r#"{"analytics":"granted"}"#, "preferences", None).await;
        let bearer = test.token(&["check", "withdraw"]).await;
        test.subscribe("email:b@example.org").await;
        let right = Right { receipt: receipt.receipt(), bearer, link: test.mailed_token() };
        (test, right)
    });
    let database = test.database();
    let stored = || database.query_row(STORED, [], |row| row.get::<_, i64>(0)).unwrap();
    let (started, requests) = (Instant::now(), requests(&right));
    let (mut sent, mut accepted) = (0, 0);
    while started.elapsed() < TIME {
        let config = Config { cases: 50, failure_persistence: None, ..Config::default() };
        let count = std::cell::Cell::new((0, 0));
        TestRunner::new(config)
            .run(&requests, |made| {
                let before = stored();
                let Some(answer) = runtime.block_on(send(&test, &made)) else { return Ok(()) };
                let (sent, accepted) = count.get();
                count.set((sent + 1, accepted + u32::from(answer.status.is_success())));
                check(&made, &answer, before, stored())
            })
            .unwrap_or_else(|error| panic!("{error}"));
        let (more, good) = count.get();
        (sent, accepted) = (sent + more, accepted + good);
    }
    println!("{sent} requests, {accepted} of them accepted");
    // Otherwise it is not near enough to what is right.
    assert!(accepted * 50 > sent, "{accepted} of {sent}");
}
