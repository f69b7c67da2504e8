//! What is measured of the banner and the panel for people who see, move or read in other ways:
//! by axe, from the layout, and from the accessibility tree. What it has to be is in the tests.

use serde_json::{Value, json};

use crate::browser::Browser;

/// Runs axe-core on the widget, with every rule that it has for it.
const AXE: &str = r"
    const done = arguments[arguments.length - 1];
    axe.run(document.querySelector('consent-banner'), {
        resultTypes: ['violations', 'incomplete'],
        rules: { 'target-size': { enabled: true } },
    }).then(({ violations, incomplete, passes }) => {
        const told = (kind, rules) => rules.flatMap(({ id, nodes }) => nodes.map((node) =>
            `${kind} ${id} at ${node.target.flat().join(' ')}: ${node.failureSummary ?? ''}`));
        done([passes.length, [...told('violation', violations), ...told('incomplete', incomplete)]]);
    }, (error) => done([0, [`axe: ${error}`]]));";

/// Everything shown of the widget that is cut off, or lies outside of what can be scrolled to.
const CUT: &str = r"
    const root = document.querySelector('consent-banner').shadowRoot;
    const told = [];
    const name = (node) => node.tagName.toLowerCase()
        + (node.className ? '.' + node.className : '') + (node.value ? '=' + node.value : '')
        + ' ' + JSON.stringify(node.innerText?.slice(0, 40) ?? '');
    const page = document.scrollingElement;
    if (page.scrollWidth > innerWidth) told.push(`the page is ${page.scrollWidth} wide`);
    for (const node of root.querySelectorAll('*')) {
        if (!node.checkVisibility?.({ visibilityProperty: true })) continue;
        const { left, right, width } = node.getBoundingClientRect();
        if (width && (left < -0.5 || right > innerWidth + 0.5))
            told.push(`${name(node)} reaches from ${left} to ${right}`);
        const { display, overflowY } = getComputedStyle(node);
        if (display === 'inline' || display === 'contents') continue;
        if (node.clientWidth && node.scrollWidth > node.clientWidth + 1)
            told.push(`${name(node)} needs ${node.scrollWidth} of ${node.clientWidth} in width`);
        const holds = ['hidden', 'clip'].includes(overflowY) || node.matches('button, label, summary');
        if (holds && node.clientHeight && node.scrollHeight > node.clientHeight + 1)
            told.push(`${name(node)} needs ${node.scrollHeight} of ${node.clientHeight} in height`);
    }
    return told;";

/// WCAG 2.2, 1.4.12, as users and their tools set it.
const SPACING: &str = r"
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`
        * { line-height: 1.5 !important; letter-spacing: 0.12em !important;
            word-spacing: 0.16em !important; }
        p { margin-block-end: 2em !important; }`);
    const root = document.querySelector('consent-banner').shadowRoot;
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];";

/// What has the focus, and how many of nine points of it are not covered by the widget.
const FOCUSED: &str = r"
    let focused = document.activeElement;
    while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
    if (!focused || focused === document.body) return null;
    const { left, top, width, height } = focused.getBoundingClientRect();
    let seen = 0;
    for (const x of [0.05, 0.5, 0.95]) for (const y of [0.1, 0.5, 0.9]) {
        const [px, py] = [left + width * x, top + height * y];
        if (px < 0 || py < 0 || px >= innerWidth || py >= innerHeight) continue;
        const at = document.elementFromPoint(px, py);
        if (at?.localName !== 'consent-banner') seen += 1;
    }
    const inside = focused.getRootNode() !== document;
    return { inside, seen, name: focused.value || focused.name || focused.innerText?.trim() || focused.href || focused.tagName };";

/// An element that had the focus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Focused {
    /// Its value, name or text.
    pub name: String,
    /// Whether it is part of the banner or the panel.
    pub inside: bool,
    /// How many of nine points of it are in the window and not covered by the widget.
    pub seen: u64,
}

impl Browser {
    /// What axe-core finds in the widget: violations, and what it cannot decide. A finding whose
    /// rule is in `explained` is left out.
    pub async fn axe(&self, explained: &[&str]) -> Vec<String> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/npm/node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(path)
            .expect("axe-core is not there; `cargo xtask test` installs it");
        // Once for each page.
        let there = self.run("return typeof axe").await;
        if there != "object" {
            self.run(&axe).await;
        }
        let found = self.driver().execute_async(AXE, Vec::new()).await.unwrap().json().clone();
        assert!(found[0].as_u64() > Some(5), "axe looked at nothing: {found}");
        let mut found = texts(&found[1]);
        found.retain(|text| !explained.iter().any(|rule| text.contains(&format!(" {rule} at "))));
        found
    }

    /// What of the widget is cut off or out of reach.
    pub async fn cut_off(&self) -> Vec<String> {
        texts(&self.run(CUT).await)
    }

    /// Spaces the widget's text as WCAG 2.2, 1.4.12 says.
    pub async fn space_text(&self) {
        self.run(SPACING).await;
    }

    /// Opens everything that can be opened in the panel.
    pub async fn open_details(&self) {
        let details =
            "document.querySelector('consent-banner').shadowRoot.querySelectorAll('details')";
        self.run(&format!("for (const details of {details}) details.open = true")).await;
    }

    /// What has the focus now, if anything has.
    pub async fn focused(&self) -> Option<Focused> {
        let found = self.run(FOCUSED).await;
        Some(Focused {
            name: found.get("name")?.as_str()?.to_owned(),
            inside: found["inside"].as_bool()?,
            seen: found["seen"].as_u64()?,
        })
    }

    /// What a screen reader is told of the first dialog: each node as `role "name"`, in order,
    /// with its states. Chromium only.
    pub async fn spoken(&self) -> Vec<String> {
        let cdp = self.driver().cdp();
        cdp.send_raw("Accessibility.enable", json!({})).await.unwrap();
        let tree = cdp.send_raw("Accessibility.getFullAXTree", json!({})).await.unwrap();
        let nodes = tree["nodes"].as_array().unwrap();
        let dialog = nodes.iter().find(|node| node["role"]["value"] == "dialog");
        let mut said = Vec::new();
        speak(dialog.expect("no dialog in the accessibility tree"), nodes, &mut said);
        said
    }
}

fn speak(node: &Value, nodes: &[Value], said: &mut Vec<String>) {
    let role = node["role"]["value"].as_str().unwrap_or_default();
    // Text is told by what holds it, down to its single lines.
    let is_told = node["ignored"] == false
        && !["StaticText", "InlineTextBox", "generic", "none", "ListMarker"].contains(&role);
    if is_told {
        let name = node["name"]["value"].as_str().unwrap_or_default();
        let states = node["properties"].as_array().into_iter().flatten().filter_map(|property| {
            let (name, value) = (property["name"].as_str()?, &property["value"]["value"]);
            ["checked", "expanded", "modal"]
                .contains(&name)
                .then(|| format!(" {name}={}", value.to_string().trim_matches('"')))
        });
        said.push(format!("{role} {name:?}{}", states.collect::<String>()));
    }
    for id in node["childIds"].as_array().into_iter().flatten() {
        if let Some(child) = nodes.iter().find(|node| node["nodeId"] == *id) {
            speak(child, nodes, said);
        }
    }
}

fn texts(found: &Value) -> Vec<String> {
    serde_json::from_value(found.clone()).unwrap()
}
