//! How a command ended, as the shell sees it.
//! Not here: which failure is which (the commands say).

use std::process::ExitCode;

/// The exit codes of DESIGN §3.5; scripts rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    Ok,
    Failure,
    /// The command line itself is wrong; clap ends with this code too.
    Usage,
    BadConfiguration,
    /// Kafka is unreachable or does not let us in.
    Kafka,
    /// Some items failed; they are listed on stdout.
    Partial,
    /// A precondition or a confirmation is missing; nothing was changed.
    Refused,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::BadConfiguration => 3,
            Self::Kafka => 4,
            Self::Partial => 5,
            Self::Refused => 6,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// For the help of every command.
pub(super) const HELP: &str = "Exit codes: 0 ok, 1 failure, 2 usage, 3 bad configuration, 4 Kafka unreachable or \
unauthorised, 5 partial success, 6 refused";

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn the_codes_are_those_of_the_contract() {
        let all =
            [Exit::Ok, Exit::Failure, Exit::Usage, Exit::BadConfiguration, Exit::Kafka, Exit::Partial, Exit::Refused];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3, 4, 5, 6]);
    }
}
