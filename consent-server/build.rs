//! Builds the server again when the widget that it carries was built again, and packs Swagger UI,
//! which shows the document of the interface.
//!
//! Of the published archive two files are needed, and these compressed: 0.4 MB in the program rather
//! than the 4 MB that `utoipa-swagger-ui` would put there. `utoipa-scalar`, `utoipa-rapidoc` and
//! `utoipa-redoc` show a page whose script comes from another host; what of these is to be had as
//! a crate is Scalar, at twice the size, and Redoc, which tries nothing out.

use std::error::Error;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::{env, fs};

use zip::ZipArchive;

/// What a browser needs of Swagger UI.
const FILES: [&str; 2] = ["swagger-ui-bundle.js", "swagger-ui.css"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=../dist");
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=build.rs");

    let folder = env::var("OUT_DIR")?;
    let mut archive =
        ZipArchive::new(Cursor::new(utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED))?;
    for name in FILES {
        let within = |path: &str| {
            // The folder's name holds the version.
            path.split_once('/').is_some_and(|(_, path)| path == format!("dist/{name}"))
        };
        let path = archive.file_names().find(|path| within(path)).map(str::to_owned);
        let path = path.ok_or_else(|| format!("Swagger UI has no {name} any more"))?;
        let mut plain = Vec::new();
        archive.by_name(&path)?.read_to_end(&mut plain)?;
        let mut packed = Vec::new();
        let mut writer = brotli::CompressorWriter::new(&mut packed, 64 * 1024, 11, 22);
        writer.write_all(&plain)?;
        drop(writer);
        fs::write(Path::new(&folder).join(format!("{name}.br")), packed)?;
    }
    Ok(())
}
