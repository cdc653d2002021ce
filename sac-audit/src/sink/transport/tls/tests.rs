// SPDX-License-Identifier: MIT OR Apache-2.0
//! Certificates of our own making, a server that has them, and what is made of files with something else in them.

use super::{Credentials, Files, TlsError, provider};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// An authority in a directory: `ca.pem`, and certificates that it gave.
pub(crate) struct Authority {
    pub(crate) directory: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { directory, issuer }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes `NAME.pem` and `NAME.key` for this host.
    pub(crate) fn issue(&self, name: &str, host: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let (certificate_file, key_file) =
            (self.file(&format!("{name}.pem")), self.file(&format!("{name}.key")));
        fs::write(&certificate_file, certificate.pem()).unwrap();
        fs::write(&key_file, key.serialize_pem()).unwrap();
        (certificate_file, key_file)
    }

    /// A server with a certificate for this host; it asks clients for one of this authority's if `asks`.
    pub(crate) fn server(&self, host: &str, asks: bool) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let builder =
            ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
        let builder = if asks {
            let mut roots = RootCertStore::empty();
            roots.add(self.issuer.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap())
    }
}

#[test]
fn files_are_read() {
    let authority = Authority::new();
    let own = authority.issue("own", "client");
    let files = Files { ca: Some(authority.file("ca.pem")), own: Some(own) };
    let credentials = Credentials::read(&files).unwrap();
    credentials.for_streams().unwrap();
    let _config = credentials.for_https();
}

#[test]
fn what_is_wrong_is_said_with_the_file() {
    let authority = Authority::new();
    let ca = Some(authority.file("ca.pem"));
    let (certificate, key) = authority.issue("own", "client");
    let error = |files: Files| Credentials::read(&files).unwrap_err();
    assert!(
        error(Files { ca: Some(authority.file("none.pem")), own: None }).to_string().contains("none.pem")
    );
    let empty = authority.file("empty.pem");
    fs::write(&empty, "nothing").unwrap();
    assert!(matches!(error(Files { ca: Some(empty), own: None }), TlsError::Empty { .. }));
    let swapped = error(Files { ca: ca.clone(), own: Some((key, certificate.clone())) });
    assert!(swapped.to_string().contains("own."), "{swapped}");
    // A key that is not that certificate's.
    let (_, other) = authority.issue("other", "client");
    let credentials = Credentials::read(&Files { ca, own: Some((certificate, other)) }).unwrap();
    assert!(matches!(credentials.for_streams(), Err(TlsError::Unusable(_))));
}
