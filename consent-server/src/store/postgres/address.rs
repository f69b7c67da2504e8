//! Where a database is and how it is reached: the address as people write it, and TLS. No text made
//! here shows a name or password that stands in the address.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::store::StoreError;

/// How long it may take until a server has let us in.
pub(super) const CONNECT: Duration = Duration::from_secs(3);

/// A database that can be connected to.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    /// As it is shown: host, port and database.
    pub(super) shown: String,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?…`. Besides the options that
    /// `tokio-postgres` knows, `sslmode=verify-full` and `sslrootcert=<file>` mean what they mean to
    /// `libpq`.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let wrong = |told: &str| StoreError::Unavailable(format!("the database's address: {told}"));
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        if !base.starts_with("postgres://") && !base.starts_with("postgresql://") {
            return Err(wrong("begins with 'postgres://'"));
        }
        let (mut kept, mut mode, mut roots) = (Vec::new(), "prefer", None);
        for option in query.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslmode", value)) => mode = value,
                Some(("sslrootcert", file)) => roots = Some(file.replace("%2F", "/")),
                _ => kept.push(option),
            }
        }
        let kept = format!("{base}?{}", kept.join("&"));
        // What is wrong is not told: it could be a part of the password.
        let mut config: Config = kept.parse().map_err(|_| {
            wrong(
                "cannot be read; it is postgres://user:password@host:5432/database, with \
                 everything but letters and digits in user and password written as %XX",
            )
        })?;
        let tls = match mode {
            "disable" => {
                config.ssl_mode(SslMode::Disable);
                unverified()
            }
            // Whoever can change what is sent can also say that the server has no TLS. So there is
            // nothing to be gained from a look at its certificate, which is mostly its own.
            "prefer" => {
                config.ssl_mode(SslMode::Prefer);
                unverified()
            }
            "require" | "verify-ca" | "verify-full" => {
                config.ssl_mode(SslMode::Require);
                verified(roots.as_deref()).map_err(|told| wrong(&told))?
            }
            _ => return Err(wrong("sslmode is 'disable', 'prefer', 'require' or 'verify-full'")),
        };
        let tls = MakeRustlsConnect::new(tls);
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(wrong("names no host"));
        }
        let shown = shown(&config);
        config.connect_timeout(CONNECT).application_name("consent");
        // Of a peer that is gone without a word one hears by asking.
        config.keepalives_idle(Duration::from_secs(30));
        config.tcp_user_timeout(Duration::from_secs(10));
        Ok(Self { config, tls, shown })
    }
}

fn shown(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => config.get_hostaddrs().first().map_or(String::new(), ToString::to_string),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    format!("{host}:{port}/{}", config.get_dbname().unwrap_or_default())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn verified(file: Option<&str>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file {
        let told = |error: &dyn std::fmt::Display| format!("sslrootcert {file}: {error}");
        let certificates = CertificateDer::pem_file_iter(file).map_err(|error| told(&error))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| told(&error))?;
            roots.add(certificate).map_err(|error| told(&error))?;
        }
        if roots.is_empty() {
            return Err(told(&"has no certificate"));
        }
    } else {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let config =
        ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn unverified() -> ClientConfig {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider has them")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider())))
        .with_no_client_auth()
}

/// Takes any certificate: the line is encrypted, to whomever.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_who_and_password() {
        for (url, shown) in [
            ("postgres://anna:secret@db.example.org/consent", "db.example.org:5432/consent"),
            ("postgresql://anna@%2Frun%2Fpg:5433/eu?sslmode=disable", "/run/pg:5433/eu"),
            ("postgres://anna:s@db:1/eu?sslmode=require&application_name=x", "db:1/eu"),
        ] {
            assert_eq!(Address::parse(url).map(|address| address.shown).unwrap(), shown);
        }
        for (url, told) in [
            ("postgres://anna:se/cret@db/eu?sslmode=perhaps", "sslmode is 'disable'"),
            ("postgres://anna:se cret@db:x/eu", "cannot be read"),
            ("postgres://anna:secret@db/eu?colour=secret", "cannot be read"),
            ("host=db user=anna password=secret", "begins with"),
            ("postgres:///eu", "names no host"),
            ("postgres://anna:secret@db/eu?sslmode=require&sslrootcert=/missing", "/missing: "),
        ] {
            let error = Address::parse(url).err().unwrap().to_string();
            assert!(error.contains(told), "{error}");
            assert!(!error.contains("anna") && !error.contains("cret"), "{error}");
        }
    }
}
