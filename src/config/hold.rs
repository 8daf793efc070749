//! `[hold]`: when a connection that only fails is held.
//! Not here: how a hold ends.

use crate::config::HoldSettings;
use crate::config::section::Section;
use crate::config::value::integer;

pub(super) fn read(mut section: Section<'_>) -> HoldSettings {
    let after = section.required("after", integer(0..=1_000_000_u32)).filter(|it| *it > 0);
    section.finish();
    HoldSettings { after }
}
