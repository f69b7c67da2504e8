//! The widget's own words, one file for each language. What a policy says is not here.
//!
//! [`Labels`] goes to the visitor within a notice; [`PageLabels`] serves the pages for the owner
//! of an address. The language files are embedded only where notices are made (feature `server`).

use serde::{Deserialize, Serialize};

macro_rules! texts {
    ($(#[$doc:meta])* $name:ident { $($(#[$text:meta])* $field:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$text])* pub $field: String,)* }

        impl $name {
            /// Makes the texts one by one; `text` is given each one's name.
            pub fn from_each(mut text: impl FnMut(&'static str) -> String) -> Self {
                Self { $($field: text(stringify!($field)),)* }
            }

            /// The same texts, each changed by `change`.
            #[must_use]
            pub fn map(&self, mut change: impl FnMut(&str) -> String) -> Self {
                Self { $($field: change(&self.$field),)* }
            }
        }
    };
}

texts! {
    /// The texts of the banner and of the preferences panel.
    Labels {
        /// The banner's heading.
        banner_title,
        /// Who asks; a list of purposes follows.
        banner_intro,
        /// What refusing changes.
        banner_consequence,
        /// How long a choice is kept, and that it can be changed.
        banner_withdraw,
        /// The button that grants every purpose.
        accept_all,
        /// The button that refuses every purpose.
        refuse_all,
        /// The button that opens the preferences.
        choose,
        /// Shown when a grant could not be recorded.
        error,
        /// That the browser sends a signal, `{signal}`, which counts as a refusal.
        signal,
        /// Above what a new policy changed.
        changed_heading,
        /// In place of a frame from `{host}` that waits for consent to `{purpose}`.
        frame_text,
        /// The button that shows this one frame.
        frame_once,
        /// The button that grants the frame's purpose.
        frame_always,
        /// The panel's heading.
        panel_title,
        /// What the panel shows.
        panel_intro,
        /// The name of the field that changes the language.
        language,
        /// Above the purposes that are asked for.
        asked_heading,
        /// Above the others.
        given_heading,
        /// The name of the button that closes the panel.
        close,
        /// The button that records what the switches say.
        save,
        /// Opens what else is known of a purpose.
        details,
        /// Above the categories of data.
        data,
        /// Above the interest pursued (GDPR Art. 13(1)(d)).
        interest,
        /// Above whether data have to be given (GDPR Art. 13(2)(e)).
        necessity,
        /// Above the services.
        services,
        /// Above the recipients.
        recipients,
        /// Above the cookies.
        cookies,
        /// Above the retention.
        retention,
        /// No services, recipients or cookies.
        none,
        /// In place of a switch, where there is nothing to choose.
        always_on,
        /// GDPR Art. 6(1)(a).
        basis_consent,
        /// GDPR Art. 6(1)(b).
        basis_contract,
        /// GDPR Art. 6(1)(f).
        basis_legitimate_interest,
        /// GDPR Art. 6(1)(c).
        basis_legal_obligation,
        /// The box that objects (GDPR Art. 21).
        object,
        /// How to object (GDPR Art. 21).
        objection,
        /// Above the contacts and rights.
        about_heading,
        /// Above the controller.
        controller,
        /// Above the data protection officer.
        officer,
        /// Above the supervisory authority.
        authority,
        /// The right to complain (GDPR Art. 13(2)(d)).
        authority_text,
        /// Above the rights.
        rights,
        /// How to exercise them.
        rights_text,
        /// Above the visitor's own choices.
        history_heading,
        /// There are none.
        history_none,
        /// They are being loaded.
        history_loading,
        /// They could not be loaded.
        history_error,
        /// The button that loads them.
        history_show,
        /// By the button that grants everything.
        chosen_accept_all,
        /// By the button that refuses everything.
        chosen_refuse_all,
        /// Purpose by purpose.
        chosen_preferences,
        /// By withdrawing.
        chosen_withdrawal,
        /// By objecting.
        chosen_objection,
        /// By a signal of the browser.
        chosen_signal,
        /// What a receipt says of a purpose: granted.
        state_granted,
        /// Refused.
        state_refused,
        /// Withdrawn.
        state_withdrawn,
        /// Objected to.
        state_objected,
        /// An objection taken back.
        state_open,
        /// Opens what a receipt says, in words.
        receipt_text,
        /// The button that downloads a receipt.
        save_receipt,
        /// The button that verifies a receipt.
        verify_receipt,
        /// It is genuine.
        receipt_valid,
        /// It is not, or nobody could tell.
        receipt_invalid,
    }
}

texts! {
    /// The texts of the pages for the owner of an address.
    PageLabels {
        /// Above the list of purposes.
        purposes_heading,
        /// The question's heading.
        confirm_title,
        /// Who asks.
        confirm_intro,
        /// What refusing or doing nothing means.
        confirm_consequence,
        /// The right to withdraw.
        confirm_withdraw,
        /// The button that grants.
        confirm,
        /// The button that refuses.
        refuse,
        /// The heading after a grant.
        done_title,
        /// What is recorded.
        done_intro,
        /// How to withdraw later.
        done_withdraw,
        /// The button that withdraws.
        withdraw,
        /// Opens the receipt.
        receipt,
        /// Opens what a receipt says, in words.
        receipt_text,
        /// The heading after a refusal.
        refused_title,
        /// What that means.
        refused_intro,
        /// The heading after a withdrawal.
        withdrawn_title,
        /// What that means.
        withdrawn_intro,
        /// The heading for a link that cannot be used.
        invalid_title,
        /// Why, and what to do.
        invalid_intro,
        /// Whom to write to.
        contact,
        /// What the page without a script offers.
        choices_hint,
        /// Grants one purpose.
        agree,
        /// Refuses one purpose.
        disagree,
        /// The heading after a decision there.
        recorded_title,
        /// What that means.
        recorded_intro,
        /// The link to the site.
        back,
    }
}

#[cfg(feature = "server")]
pub(crate) use file::File;

#[cfg(feature = "server")]
mod file;
