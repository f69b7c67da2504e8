//! Every kind of difference there is, and which of them ask again.

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident $weight:ident,)+) => {
        /// What changed. The names are those used in JSON.
        ///
        /// ```
        /// use consent_core::policy::Reason;
        /// let reason: Reason = serde_json::from_str("\"retention_longer\"")?;
        /// assert!(reason.asks_again() && !Reason::RetentionShorter.asks_again());
        /// assert!(serde_json::from_str::<Reason>("\"retention_changed\"").is_err());
        /// # Ok::<(), serde_json::Error>(())
        /// ```
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Whether the purposes on consent that it touches are asked again.
            pub fn asks_again(self) -> bool {
                match self {
                    $(Self::$name => reasons!(@ $weight),)+
                }
            }
        }
    };
    (@ material) => { true };
    (@ editorial) => { false };
}

reasons! {
    /// The service is called otherwise.
    Renamed editorial,
    /// The policy is written in another language too.
    LanguageAdded editorial,
    /// It is no longer written in a language.
    LanguageRemoved editorial,
    /// A list is in another order.
    Reordered editorial,
    /// Choices made from now on are remembered for longer; those made end when they were told to.
    LifetimeLonger editorial,
    /// Choices made from now on are remembered for a shorter time.
    LifetimeShorter editorial,
    /// A further signal of browsers is honoured.
    SignalAdded editorial,
    /// A signal of browsers is no longer honoured. What was chosen stands.
    SignalRemoved editorial,
    /// Somebody else decides, or under another name.
    ControllerChanged material,
    /// The controller is in another country.
    ControllerMoved material,
    /// The controller is reached otherwise.
    ControllerContact editorial,
    /// Another data protection officer.
    Officer editorial,
    /// Another supervisory authority.
    Authority editorial,
    /// A category of data is defined. No purpose uses it by that alone.
    DataDefined editorial,
    /// A category of data is no longer defined.
    DataUndefined editorial,
    /// A category of data is described by other words, which may mean more.
    DataRedefined material,
    /// A category of data is written otherwise, in the same words.
    DataReworded editorial,
    /// A further activity is described.
    ActivityAdded editorial,
    /// An activity is no longer described.
    ActivityRemoved editorial,
    /// The organisation has another role in an activity.
    ActivityRole editorial,
    /// An activity is described otherwise.
    ActivityReworded editorial,
    /// An activity processes other categories of data. Purposes say what they are used for.
    ActivityData editorial,
    /// A purpose is new.
    PurposeAdded material,
    /// A purpose is given up.
    PurposeRemoved editorial,
    /// The author says that the purpose has to be asked again.
    PurposeRevised material,
    /// A purpose rests on consent that did not.
    BasisConsent material,
    /// A purpose rests on something else; if it was consent, refusals keep what they are.
    BasisOther editorial,
    /// Title or description of a purpose are worded otherwise.
    PurposeReworded editorial,
    /// A purpose uses further data.
    PurposeDataAdded material,
    /// A purpose no longer uses some data.
    PurposeDataRemoved editorial,
    /// The interest pursued is worded otherwise.
    InterestReworded editorial,
    /// What follows if the data are not given is worded otherwise.
    NecessityReworded editorial,
    /// A further service serves the purpose.
    ServiceAdded material,
    /// A service no longer does.
    ServiceRemoved editorial,
    /// A further recipient has the data.
    RecipientAdded material,
    /// A recipient no longer has them.
    RecipientRemoved editorial,
    /// A cookie that lives longer than any of the purpose did.
    CookieLonger material,
    /// A further cookie, which lives no longer than another did before.
    CookieAdded editorial,
    /// A cookie lives longer, and no longer than another did before.
    CookieExtended editorial,
    /// A cookie is given up.
    CookieRemoved editorial,
    /// A cookie lives for a shorter time.
    CookieShorter editorial,
    /// Data are kept for longer.
    RetentionLonger material,
    /// Data are kept for a shorter time.
    RetentionShorter editorial,
    /// Other words about the retention, and no months that say it is not longer.
    RetentionUnclear material,
    /// Other words about the retention; the months are no more than before.
    RetentionReworded editorial,
    /// A sub-processor is new.
    SubProcessorAdded material,
    /// A sub-processor is given up.
    SubProcessorRemoved editorial,
    /// A sub-processor receives data that it did not have.
    SubProcessorData material,
    /// A sub-processor serves a further purpose, with data that it had already.
    SubProcessorPurpose material,
    /// A sub-processor no longer serves a purpose.
    SubProcessorPurposeRemoved editorial,
    /// A sub-processor is now in a country outside the European Economic Area.
    SubProcessorAway material,
    /// A sub-processor is in another country within the European Economic Area.
    SubProcessorMoved editorial,
    /// What a sub-processor does is worded otherwise.
    SubProcessorReworded editorial,
    /// The ground of a transfer is new, or another by its words.
    TransferGround material,
    /// The ground of a transfer is no longer needed, or written otherwise in the same words.
    TransferReworded editorial,
    /// How customers hear of new sub-processors is worded otherwise.
    SubProcessorNotice editorial,
    /// There is a further region. Data that are kept elsewhere stay there.
    RegionAdded editorial,
    /// A region is given up.
    RegionRemoved editorial,
    /// Whose data a region keeps is worded otherwise.
    RegionReworded editorial,
    /// Where a region's data go is said in other words.
    RegionTransfers material,
    /// Another right can be exercised.
    RightAdded editorial,
    /// A right is no longer listed. The law gives it all the same.
    RightRemoved editorial,
    /// Requests are answered, or breaches notified, within another time.
    Deadlines editorial,
    /// Other measures protect the data.
    Security editorial,
    /// Machines decide alone, or their logic and consequences are said in other words.
    AutomatedDecisions material,
    /// Machines no longer decide alone, or it is written otherwise in the same words.
    AutomatedDecisionsReworded editorial,
    /// A vendor is told of choices that was told of none.
    VendorAdded editorial,
    /// A vendor is told of no choices any more.
    VendorRemoved editorial,
    /// The signals of a vendor are listed otherwise, and follow what they followed.
    VendorSignals editorial,
    /// A vendor's signal follows a purpose that it did not.
    SignalFollows material,
    /// A vendor's signal waits for a purpose no longer. It is granted with the others alone.
    SignalFollowsLess material,
}
