//! Why a browser blocks: what is wrong with a response, or what a console's
//! message is about.

use serde::{Serialize, Serializer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    AllowCredentialsMissing,
    AllowOriginAnyCredentials,
    AllowOriginDoubled,
    AllowOriginMissing,
    AllowOriginOther,
    CorsDisabled,
    HeaderNotAllowed,
    ListMalformed,
    LocalNetwork,
    MethodNotAllowed,
    MixedContent,
    NotHttp,
    /// WebKit's message for several faults of `Access-Control-Allow-Origin`.
    OriginNotAllowed,
    PortBlocked,
    PreflightAuthentication,
    PreflightRedirect,
    PreflightStatus,
    PrivateNetworkAccess,
    Redirect,
    RedirectCredentials,
    /// The message says only that the request failed.
    RequestFailed,
    SameOriginMode,
}

impl Code {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AllowCredentialsMissing => "allow-credentials-missing",
            Self::AllowOriginAnyCredentials => "allow-origin-any-credentials",
            Self::AllowOriginDoubled => "allow-origin-doubled",
            Self::AllowOriginMissing => "allow-origin-missing",
            Self::AllowOriginOther => "allow-origin-other",
            Self::CorsDisabled => "cors-disabled",
            Self::HeaderNotAllowed => "header-not-allowed",
            Self::ListMalformed => "list-malformed",
            Self::LocalNetwork => "local-network",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::MixedContent => "mixed-content",
            Self::NotHttp => "not-http",
            Self::OriginNotAllowed => "origin-not-allowed",
            Self::PortBlocked => "port-blocked",
            Self::PreflightAuthentication => "preflight-authentication",
            Self::PreflightRedirect => "preflight-redirect",
            Self::PreflightStatus => "preflight-status",
            Self::PrivateNetworkAccess => "private-network-access",
            Self::Redirect => "redirect",
            Self::RedirectCredentials => "redirect-credentials",
            Self::RequestFailed => "request-failed",
            Self::SameOriginMode => "same-origin-mode",
        }
    }

    /// Whether it is about a preflight; `None` if it can be about either.
    pub(crate) fn of_preflight(self) -> Option<bool> {
        match self {
            Self::HeaderNotAllowed
            | Self::ListMalformed
            | Self::MethodNotAllowed
            | Self::PreflightAuthentication
            | Self::PreflightRedirect
            | Self::PreflightStatus => Some(true),
            // Their preflight is that of Private Network Access, which was
            // withdrawn.
            Self::LocalNetwork | Self::PrivateNetworkAccess => Some(false),
            Self::AllowCredentialsMissing
            | Self::AllowOriginAnyCredentials
            | Self::AllowOriginDoubled
            | Self::AllowOriginMissing
            | Self::AllowOriginOther
            | Self::CorsDisabled
            | Self::MixedContent
            | Self::NotHttp
            | Self::OriginNotAllowed
            | Self::PortBlocked
            | Self::Redirect
            | Self::RedirectCredentials
            | Self::RequestFailed
            | Self::SameOriginMode => None,
        }
    }

    /// Whether it is about a response's headers or a preflight's status, as
    /// [`findings`](crate::findings) are.
    pub(crate) fn is_of_response(self) -> bool {
        match self {
            Self::AllowCredentialsMissing
            | Self::AllowOriginAnyCredentials
            | Self::AllowOriginDoubled
            | Self::AllowOriginMissing
            | Self::AllowOriginOther
            | Self::HeaderNotAllowed
            | Self::ListMalformed
            | Self::MethodNotAllowed
            | Self::OriginNotAllowed
            | Self::PreflightAuthentication
            | Self::PreflightRedirect
            | Self::PreflightStatus => true,
            Self::CorsDisabled
            | Self::LocalNetwork
            | Self::MixedContent
            | Self::NotHttp
            | Self::PortBlocked
            | Self::PrivateNetworkAccess
            | Self::Redirect
            | Self::RedirectCredentials
            | Self::RequestFailed
            | Self::SameOriginMode => false,
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}
