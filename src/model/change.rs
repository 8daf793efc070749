//! What one delivery asks of a CRM record.
//! Not here: how a CRM spells it (the connectors), how it was mapped from an event.

use std::fmt;
use std::sync::Arc;

/// A JSON object as text, never empty of braces; kept unparsed because the core does not look into it.
#[derive(Clone, PartialEq, Eq)]
pub struct Properties(pub Arc<str>);

/// `contact`, `company`, `deal`, `call`, `lead`, or the CRM's own API name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object(pub Arc<str>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    Upsert,
    Archive,
}

/// One change of one CRM record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub object: Object,
    pub external_id: Arc<str>,
    pub operation: Operation,
    pub properties: Properties,
}

impl Change {
    /// Bytes of text held: what memory budgets count.
    pub fn size(&self) -> usize {
        self.external_id.len() + self.properties.0.len()
    }
}

impl Operation {
    pub fn name(self) -> &'static str {
        match self {
            Self::Upsert => "upsert",
            Self::Archive => "archive",
        }
    }
}

/// A size only: payloads never reach a log line.
impl fmt::Debug for Properties {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Properties({} bytes)", self.0.len())
    }
}
