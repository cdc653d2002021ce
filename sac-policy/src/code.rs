// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of everything that can be wrong with a policy.
//!
//! A code is part of the product's interface: scripts and documents refer to it. So a code is never given another
//! meaning and never used again once it is withdrawn. `docs/policy.md` repeats this table, and a test compares the two.

/// Whether a policy set can be used in spite of what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The set cannot be used.
    Error,
    /// The set can be used; somebody should look at this.
    Warning,
}

macro_rules! codes {
    ($($variant:ident = $text:literal, $severity:ident, $summary:literal;)*) => {
        /// What is wrong, as a name that stays the same from release to release.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $summary] $variant,)*
        }

        impl Code {
            /// Every code, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code as people see it, such as `SAC007`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// One line on what the code stands for, without a full stop.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary,)* }
            }

            /// Whether a set with this fault can be used.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    UnreadableFile = "SAC001", Error, "A policy file or directory cannot be read";
    NoPolicyFile = "SAC002", Error, "There is no policy file";
    UntrustedFile = "SAC003", Error, "Somebody other than root could change a policy file or its directory";
    LimitExceeded = "SAC004", Error, "A file is too large, or there are too many policies or rules";
    InvalidYaml = "SAC005", Error, "The file is not YAML";
    UnsupportedYaml = "SAC006", Error, "The file uses a part of YAML that policies do not have";
    UnknownKey = "SAC007", Error, "A key is not one of those that can stand there";
    DuplicateKey = "SAC008", Error, "A key stands twice in one mapping";
    MissingKey = "SAC009", Error, "A required key is missing";
    WrongType = "SAC010", Error, "A value is of the wrong type";
    UnknownWord = "SAC011", Error, "A value is not one of the words that can stand there";
    InvalidPolicyName = "SAC012", Error, "A policy's name has characters or a length that names cannot have";
    DuplicatePolicyName = "SAC013", Error, "Two policies have the same name";
    AppliesToNobody = "SAC014", Error, "A policy applies to nobody";
    InvalidAccount = "SAC015", Error, "This cannot be the name or the number of a user or group";
    RootConfined = "SAC016", Error, "A policy names root, who is never confined";
    SecondEveryone = "SAC017", Error, "Two policies apply to everyone";
    PriorityOutOfRange = "SAC018", Error, "A priority is too great or too small";
    RelativePath = "SAC019", Error, "A path does not begin with `/`";
    PathNotNormal = "SAC020", Error, "A path has `.`, `..`, or an empty part";
    PathControlCharacter = "SAC021", Error, "A path has a control character";
    PathTooLong = "SAC022", Error, "A path is longer than the kernel half can compare";
    Contradiction = "SAC023", Error, "One policy both allows and denies a path";
    InvalidText = "SAC024", Error, "A text for people is too long or has a control character";
    ConflictingKeys = "SAC025", Error, "Keys stand beside each other that exclude each other";
    SaysNothing = "SAC026", Error, "A list or mapping is empty that must say something";
    NumberOutOfRange = "SAC027", Error, "A number is too great or too small";
    InvalidTime = "SAC028", Error, "A time, a date or a length of time is written wrongly or means nothing";
    UnknownTimeZone = "SAC029", Error, "There is no such time zone";
    InvalidAddress = "SAC030", Error, "This cannot be an address, a network or a port";
    InvalidService = "SAC031", Error, "This cannot be the name of a PAM service";
    InvalidFileName = "SAC032", Error, "This cannot be the name of a file";
    NameProvesNothing = "SAC033", Error, "A rule allows something by its name alone";
    InvalidArguments = "SAC034", Error, "A condition on arguments cannot be decided";
    DuplicateRuleSetName = "SAC035", Error, "Two rule sets have the same name";
    UnknownRuleSet = "SAC036", Error, "A rule set that is inherited does not exist";
    RuleSetCycle = "SAC037", Error, "A rule set inherits itself";
    InvalidDigest = "SAC038", Error, "This cannot be the SHA-256 of a file";
    AssertionFailed = "SAC060", Error, "An assertion of the policy does not hold";
    TooManyShapes = "SAC061", Error, "The rules for connections have too many different sizes of networks and ranges of ports";
    TooManyConditions = "SAC062", Error, "A program has too many rules with arguments";
    PathNotFound = "SAC101", Warning, "A rule's path does not exist";
    NotRegularFile = "SAC102", Warning, "A rule's path is not a regular file";
    NotExecutable = "SAC103", Warning, "A rule's path is a file that nobody may execute";
    SymbolicLink = "SAC104", Warning, "A denied path is a symbolic link";
    EmptyAllowList = "SAC105", Warning, "An allow list has no entry";
    RuleWithoutEffect = "SAC106", Warning, "A rule changes nothing";
    SharedInode = "SAC107", Warning, "Rules with different actions name one file";
    EqualPriority = "SAC108", Warning, "Two policies of one priority name the same user or group";
    RepeatedEntry = "SAC109", Warning, "A list names something twice";
    PathUnreachable = "SAC110", Warning, "A rule's path could not be looked up";
    ResolvedPathTooLong = "SAC111", Warning, "A denied path leads to a path that is too long for a rule";
    IgnoredFile = "SAC112", Warning, "A file looks like a policy and is not read";
    InheritedContradiction = "SAC113", Warning, "A rule and one that is inherited allow and deny the same";
    // SAC114 is withdrawn: it told which parts of the language were not enforced yet.
    UnusedRuleSet = "SAC115", Warning, "No policy inherits a rule set";
    PatternInArgument = "SAC116", Warning, "An argument looks like a pattern and is none";
    NotDirectory = "SAC120", Warning, "A rule's directory or tree is not a directory";
    SeveralNames = "SAC121", Warning, "A rule for one name of a program holds for all its names";
    CarriedProgram = "SAC122", Warning, "An allowed program can do what a denied one does";
    DenyListCarriers = "SAC123", Warning, "A list of denied programs does not hold against programs that carry out others";
    ArgumentsInOtherWords = "SAC124", Warning, "Denied arguments can be put in other words";
    ArgumentsOfScript = "SAC125", Warning, "Conditions on the arguments of a script cannot be enforced";
    ArgumentsKill = "SAC126", Warning, "A rule with arguments kills where it says `deny`";
    NeverDecides = "SAC127", Warning, "A rule never decides anything";
    LockOut = "SAC128", Warning, "Whom a policy holds for could not log in or do their work";
    OverrideByArguments = "SAC129", Warning, "A rule that overrides does so only for rules with arguments";
}

#[cfg(test)]
mod tests;
