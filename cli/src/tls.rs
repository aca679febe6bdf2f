//! Certificates, and what is wrong with a server's TLS.

#![allow(clippy::wildcard_enum_match_arm, reason = "others' errors may grow")]

use std::path::Path;

use ureq::tls::{PemItem, RootCerts};

use crate::Failure;

/// The certificates of a PEM file.
pub(crate) fn authorities(file: &Path) -> Result<RootCerts, Failure> {
    let pem = crate::read(file)?;
    let mut certificates = Vec::new();
    for item in ureq::tls::parse_pem(&pem) {
        if let Ok(PemItem::Certificate(certificate)) = item {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(format!(
            "{} contains no certificate; use a PEM file with -----BEGIN \
             CERTIFICATE-----",
            crate::whole(file)
        ));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

/// rustls's own error, which may be wrapped in an I/O error.
pub(crate) fn tls_error(error: &ureq::Error) -> Option<&rustls::Error> {
    match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}

/// What is wrong, and what to do.
pub(crate) fn explain_tls(error: &rustls::Error, host: &str) -> String {
    use rustls::{
        AlertDescription as Alert, CertificateError as C, Error as E,
    };
    match error {
        E::InvalidCertificate(error) => match error {
            C::UnknownIssuer => {
                "the certificate is self-signed, or its issuer is not \
                 trusted; use --cacert FILE with the issuer's certificate, or \
                 --insecure, or add the issuer's certificates to those that \
                 the server sends"
                    .into()
            }
            // webpki's own error; `openssl req -x509` makes such certificates.
            C::Other(error)
                if format!("{error:?}").contains("CaUsedAsEndEntity") =>
            {
                "the certificate is self-signed and for an authority, not a \
                 server; use --insecure, or create one with openssl's \
                 -addext basicConstraints=critical,CA:FALSE and use --cacert \
                 FILE"
                    .into()
            }
            C::Expired | C::ExpiredContext { .. } => {
                "the certificate has expired; renew it, or use --insecure"
                    .into()
            }
            C::NotValidYet | C::NotValidYetContext { .. } => {
                "the certificate is not valid yet; check the clock of this \
                 machine and of the one that created it, or use --insecure"
                    .into()
            }
            C::NotValidForNameContext { presented, .. } => {
                let names: Vec<_> =
                    presented.iter().map(|name| plain_name(name)).collect();
                match names.as_slice() {
                    [] => format!(
                        "the certificate has no subjectAltName, which \
                         browsers require; create one with {host} as \
                         subjectAltName, or use --insecure"
                    ),
                    names => format!(
                        "the certificate is for {}, not for {host}; use such \
                         a name in the URL, create a certificate with {host} \
                         as subjectAltName, or use --insecure",
                        names.join(", ")
                    ),
                }
            }
            C::NotValidForName => format!(
                "the certificate is not for {host}; create one with {host} as \
                 subjectAltName, or use --insecure"
            ),
            C::BadSignature => {
                "the certificate's signature does not match the trusted \
                 issuer of that name; use --cacert FILE with the \
                 issuer's certificate, or --insecure"
                    .into()
            }
            C::Revoked => {
                "the certificate is revoked; renew it, or use --insecure"
                    .into()
            }
            error => {
                format!("the certificate is invalid: {error}; use --insecure")
            }
        },
        E::InvalidMessage(_) => {
            "the server does not use TLS on this port; use http:// in the URL"
                .into()
        }
        E::AlertReceived(Alert::CertificateRequired) => {
            "the server requires a client certificate, which browsers never \
             send with a preflight; remove the requirement for OPTIONS"
                .into()
        }
        E::AlertReceived(Alert::UnrecognisedName) => format!(
            "the server has no certificate for {host}; add one, or use \
             another name in the URL"
        ),
        E::PeerIncompatible(_)
        | E::AlertReceived(
            Alert::ProtocolVersion
            | Alert::HandshakeFailure
            | Alert::InsufficientSecurity,
        ) => format!(
            "the server supports neither TLS 1.2 nor 1.3 with a current \
             cipher ({error}); add one"
        ),
        error => error.to_string(),
    }
}

/// A certificate's name, without rustls's decoration.
fn plain_name(name: &str) -> &str {
    let name = name.strip_suffix(')').unwrap_or(name);
    let name = name.split_once('(').map_or(name, |(_, name)| name);
    name.trim_matches('"')
}
