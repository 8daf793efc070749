//! Why something failed: one closed list for headers, metrics, logs, CLI filters and docs.
//! Not here: which CRM answer means which reason (the connectors).

use std::fmt;

/// DESIGN §3.4. The text of a reason is part of the contract and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    InvalidJob,
    UnknownTenant,
    NoRoute,
    MappingFailed,
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    Conflict,
    Unprocessable,
    OtherClientError,
    AmbiguousRecord,
    RateLimited,
    Unavailable,
    ServerError,
    Timeout,
    Network,
    MalformedResponse,
    OutcomeUnknown,
    Expired,
}

impl Reason {
    pub const ALL: [Self; 20] = [
        Self::InvalidJob,
        Self::UnknownTenant,
        Self::NoRoute,
        Self::MappingFailed,
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::Unprocessable,
        Self::OtherClientError,
        Self::AmbiguousRecord,
        Self::RateLimited,
        Self::Unavailable,
        Self::ServerError,
        Self::Timeout,
        Self::Network,
        Self::MalformedResponse,
        Self::OutcomeUnknown,
        Self::Expired,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidJob => "invalid_job",
            Self::UnknownTenant => "unknown_tenant",
            Self::NoRoute => "no_route",
            Self::MappingFailed => "mapping_failed",
            Self::BadRequest => "bad_request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Unprocessable => "unprocessable",
            Self::OtherClientError => "other_client_error",
            Self::AmbiguousRecord => "ambiguous_record",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::ServerError => "server_error",
            Self::Timeout => "timeout",
            Self::Network => "network",
            Self::MalformedResponse => "malformed_response",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Expired => "expired",
        }
    }

    /// The reason with this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// What an HTTP status alone says, where a CRM's body says no more (DESIGN §3.4).
    pub fn of_status(status: u16) -> Self {
        match status {
            400 => Self::BadRequest,
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            408 => Self::Timeout,
            409 => Self::Conflict,
            422 => Self::Unprocessable,
            429 => Self::RateLimited,
            503 => Self::Unavailable,
            500..=599 => Self::ServerError,
            402 | 405..=407 | 410..=421 | 423..=428 | 430..=499 => Self::OtherClientError,
            _ => Self::MalformedResponse,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(formatter)
    }
}
