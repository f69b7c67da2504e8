//! `cargo xtask widget`: what browsers download, from Rust and JavaScript to `dist/`.
//!
//! Cargo compiles the panel to WebAssembly, wasm-bindgen (as a library, so that its version is the
//! one in `Cargo.lock`) writes its glue, oxc makes glue and loader small and Lightning CSS the style
//! sheets, brotli compresses what
//! is the same for every site. The loader's scripts are not compressed here: the server first puts
//! each site's configuration into them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use lightningcss::printer::PrinterOptions;
use lightningcss::stylesheet::{MinifyOptions, ParserOptions, StyleSheet};
use oxc::allocator::Allocator;
use oxc::codegen::{Codegen, CodegenOptions};
use oxc::minifier::{CompressOptions, Minifier, MinifierOptions};
use oxc::parser::Parser;
use oxc::span::SourceType;

use crate::run::root;

/// What browsers run.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
const NAME: &str = "consent_widget";

/// Where the result is written.
pub(crate) fn dist() -> PathBuf {
    root().join("dist")
}

/// Builds everything; does next to nothing when nothing changed. `progress` is told each step.
pub(crate) fn build(progress: impl Fn(&str)) -> Result<()> {
    let (workspace, dist) = (root(), dist());
    fs::create_dir_all(&dist)?;

    for (name, source, kind) in scripts(&workspace.join("consent-widget/loader"))? {
        let small = minify(&source, kind).with_context(|| name.to_owned())?;
        write_if_changed(&dist.join(name), small.as_bytes())?;
    }

    for name in ["banner.css", "panel.css"] {
        let path = workspace.join("consent-widget/src").join(name);
        let source =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        write_if_changed(&dist.join(name), minify_css(&source)?.as_bytes())?;
    }

    ensure_target(&progress)?;
    progress("compiling the preferences panel to WebAssembly");
    let compiled = compile(&workspace)?;
    let done = dist.join(format!("{NAME}_bg.wasm.br"));
    // This program is an input too: its options decide what the glue looks like.
    if is_newer(&done, &compiled)? && is_newer(&done, &std::env::current_exe()?)? {
        return Ok(());
    }

    progress("writing its glue and compressing");
    let (glue, wasm) = bind(&compiled)?;
    for (name, bytes) in [(format!("{NAME}.js"), &glue), (format!("{NAME}_bg.wasm"), &wasm)] {
        fs::write(dist.join(&name), bytes)?;
        // The compressed WASM comes last: its age says that everything before it was written.
        fs::write(dist.join(format!("{name}.br")), compress(bytes)?)?;
    }
    Ok(())
}

/// The parts of `ask.js`, in the order in which they are joined: each uses those before it.
const ASK: [&str; 7] = ["state", "decide", "banner", "theme", "frames", "panel", "start"];

/// The loader's scripts: name, source, kind.
fn scripts(folder: &Path) -> Result<Vec<(&'static str, String, SourceType)>> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let mut ask = String::from("export const ask = ((stub) => {\n");
    for part in ASK {
        ask += &read(&format!("ask/{part}.js"))?;
    }
    // In brackets: engines then compile it as they read it, and not a second time when it is called.
    ask += "return ready;\n});\n";
    Ok(vec![
        ("stub.js", read("stub.js")?, SourceType::script()),
        ("vendors.js", read("vendors.js")?, SourceType::script()),
        ("strict.js", read("strict.js")?, SourceType::script()),
        ("ask.js", ask, SourceType::mjs()),
    ])
}

/// Adds the compilation target where rustup rules; elsewhere its absence is reported by cargo.
fn ensure_target(progress: &impl Fn(&str)) -> Result<()> {
    let Ok(listed) = Command::new("rustup").args(["target", "list", "--installed"]).output() else {
        return Ok(());
    };
    if String::from_utf8_lossy(&listed.stdout).lines().any(|line| line.trim() == TARGET) {
        return Ok(());
    }
    progress("adding the compilation target wasm32-unknown-unknown");
    let status = Command::new("rustup").args(["target", "add", TARGET]).status()?;
    ensure!(status.success(), "`rustup target add {TARGET}` failed; the widget needs that target");
    Ok(())
}

/// Compiles the panel. As the only crate type, because with a second one cargo leaves out
/// link-time optimisation, which is worth more than half of the size.
fn compile(workspace: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target_dir = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace.join("target"), |dir| workspace.join(dir));
    let status = Command::new(cargo)
        .current_dir(workspace)
        .args(["rustc", "--package", "consent-widget", "--lib"])
        .args(["--crate-type", "cdylib", "--profile", "widget", "--target", TARGET])
        .args(["--features", "browser"])
        .arg("--target-dir")
        .arg(&target_dir)
        // Flags meant for the machine's own compiler, such as a linker's, do not fit this target.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .context("cargo could not be started")?;
    if !status.success() {
        bail!(
            "the widget did not compile; if the target is missing, install it with your \
             distribution or with `rustup target add {TARGET}`"
        );
    }
    Ok(target_dir.join(TARGET).join("widget").join(format!("{NAME}.wasm")))
}

/// The glue and the WASM that browsers load.
fn bind(compiled: &Path) -> Result<(Vec<u8>, Vec<u8>)> {
    let mut output = wasm_bindgen_cli_support::Bindgen::new()
        .input_path(compiled)
        .out_name(NAME)
        .web(true)?
        .typescript(false)
        // The glue finds its WASM beside itself, so that the loader needs one address only.
        .omit_default_module_path(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()?;
    let glue = minify(output.js(), SourceType::mjs())?;
    Ok((glue.into_bytes(), output.wasm_mut().emit_wasm()))
}

fn minify(source: &str, kind: SourceType) -> Result<String> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, kind).parse();
    if let Some(fault) = parsed.diagnostics.first() {
        bail!("JavaScript: {fault}");
    }
    let mut program = parsed.program;
    let options = MinifierOptions {
        compress: Some(CompressOptions::smallest()),
        ..MinifierOptions::default()
    };
    let minified = Minifier::new(options).minify(&allocator, &mut program);
    let printed = Codegen::new()
        .with_options(CodegenOptions::minify())
        .with_scoping(minified.scoping)
        .build(&program);
    Ok(printed.code)
}

fn minify_css(source: &str) -> Result<String> {
    // The error borrows the source.
    let fault = |error: &dyn std::fmt::Display| anyhow!("CSS: {error}");
    let mut sheet = StyleSheet::parse(source, ParserOptions::default()).map_err(|e| fault(&e))?;
    sheet.minify(MinifyOptions::default()).map_err(|e| fault(&e))?;
    let options = PrinterOptions { minify: true, ..PrinterOptions::default() };
    Ok(sheet.to_css(options).map_err(|e| fault(&e))?.code)
}

/// Brotli at its best, as the server sends it.
pub(crate) fn compress(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut small = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut small, 64 * 1024, 11, 22);
    writer.write_all(bytes)?;
    drop(writer);
    Ok(small)
}

fn is_newer(done: &Path, source: &Path) -> Result<bool> {
    let Ok(done) = fs::metadata(done) else { return Ok(false) };
    Ok(done.modified()? > fs::metadata(source)?.modified()?)
}

fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    Ok(fs::write(path, bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_placeholder_survives_exactly_once() {
        let scripts = scripts(&root().join("consent-widget/loader")).unwrap();
        let placeholders: [&[&str]; 4] = [
            &["__CONSENT_CONFIG__"],
            &["__CONSENT_VENDORS__"],
            &["__CONSENT_HOSTS__"],
            &["__CONSENT_SITE__", "__CONSENT_BANNER__"],
        ];
        for ((name, source, kind), placeholders) in scripts.into_iter().zip(placeholders) {
            let small = minify(&source, kind).unwrap();
            for placeholder in placeholders {
                assert_eq!(small.matches(placeholder).count(), 1, "{name}");
            }
            assert!(small.len() < source.len() / 2, "{name}: comments and spaces are gone");
        }
    }

    #[test]
    fn broken_javascript_is_refused() {
        assert!(minify("const = 1", SourceType::script()).is_err());
    }

    #[test]
    fn style_sheets_lose_their_comments_only() {
        let small = minify_css("/* why */ .a { color : red; }\n.b { margin: 0 auto }").unwrap();
        assert_eq!(small, ".a{color:red}.b{margin:0 auto}");
        assert!(minify_css("} .a").unwrap_err().to_string().starts_with("CSS: "));
    }

    #[test]
    fn what_is_compressed_can_be_read() {
        let text = "consent ".repeat(1000);
        let small = compress(text.as_bytes()).unwrap();
        assert!(small.len() < 100);
        let mut read = Vec::new();
        brotli::BrotliDecompress(&mut small.as_slice(), &mut read).unwrap();
        assert_eq!(read, text.as_bytes());
    }
}
