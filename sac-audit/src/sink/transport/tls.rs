// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whom a sink trusts over TLS, and who it says it is.
//!
//! A server's certificate is always verified, against the given authorities or the system's. There is no option that turns that off.

use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Certificates of authorities, PEM; the system's if there is none.
    pub ca: Option<PathBuf>,
    /// The sink's own certificate with what is needed to verify it, and its key, PEM both.
    pub own: Option<(PathBuf, PathBuf)>,
}

/// What the files have.
#[derive(Debug)]
pub struct Credentials {
    authorities: Vec<CertificateDer<'static>>,
    own: Option<Own>,
}

/// Who the sink says it is. The key is there for each of two libraries.
#[derive(Debug)]
struct Own {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    https_key: ureq::tls::PrivateKey<'static>,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or has something else in it.
    #[error("{path}: {source}; it must be a PEM file that root can read", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// A file has no certificate.
    #[error("{path} has no certificate; name a PEM file with at least one", path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The system has no authorities.
    #[error("the system has no certificates of authorities; install `ca-certificates`, or name one as `ca`")]
    NoAuthorities,
    /// The library refuses what the files have.
    #[error("the certificates cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

impl Credentials {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// The first file that cannot be used.
    pub fn read(files: &Files) -> Result<Self, TlsError> {
        let authorities = match &files.ca {
            Some(path) => certificates(path)?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        if authorities.is_empty() {
            return Err(TlsError::NoAuthorities);
        }
        let own = match &files.own {
            Some((certificate, key)) => Some(Own::read(certificate, key)?),
            None => None,
        };
        Ok(Self { authorities, own })
    }

    /// For streams.
    ///
    /// # Errors
    ///
    /// The library refuses a certificate or the key.
    pub fn for_streams(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let mut roots = RootCertStore::empty();
        // The system's collection may have some that the library does not take; one that was given must be usable.
        let (usable, _) = roots.add_parsable_certificates(self.authorities.iter().cloned());
        if usable == 0 {
            return Err(TlsError::NoAuthorities);
        }
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let config = match &self.own {
            Some(own) => builder.with_client_auth_cert(own.chain.clone(), own.key.clone_key())?,
            None => builder.with_no_client_auth(),
        };
        Ok(Arc::new(config))
    }

    /// For HTTPS.
    #[must_use]
    pub fn for_https(&self) -> ureq::tls::TlsConfig {
        use ureq::tls::{Certificate, ClientCert, RootCerts, TlsConfig, TlsProvider};
        let certificate = |der: &CertificateDer<'static>| Certificate::from_der(der).to_owned();
        let roots = RootCerts::Specific(Arc::new(self.authorities.iter().map(certificate).collect()));
        let own = self.own.as_ref().map(|own| {
            let chain: Vec<_> = own.chain.iter().map(certificate).collect();
            ClientCert::new_with_certs(&chain, own.https_key.to_owned())
        });
        TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(provider())
            .root_certs(roots)
            .client_cert(own)
            .build()
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = |source| TlsError::File { path: path.to_owned(), source };
    let certificates: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(file)?.collect::<Result<_, _>>().map_err(file)?;
    if certificates.is_empty() {
        return Err(TlsError::Empty { path: path.to_owned() });
    }
    Ok(certificates)
}

impl Own {
    fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let file = |source| TlsError::File { path: key.to_owned(), source };
        let pem = std::fs::read(key).map_err(|error| file(pem::Error::Io(error)))?;
        let https_key =
            ureq::tls::PrivateKey::from_pem(&pem).map_err(|_unusable| file(pem::Error::NoItemsFound))?;
        Ok(Self {
            chain: certificates(certificate)?,
            key: PrivateKeyDer::from_pem_slice(&pem).map_err(file)?,
            https_key,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
