//! Names for runs that have none: two words that people can say to each other.

use crate::base::random;

const FIRST: [&str; 64] = [
    "able", "agile", "amber", "ample", "ancient", "apt", "arctic", "azure", "bold", "brave",
    "bright", "brisk", "bronze", "calm", "candid", "careful", "cheerful", "clever", "cobalt",
    "coral", "cosmic", "crisp", "curious", "daring", "deft", "eager", "early", "earnest",
    "electric", "fair", "fancy", "fearless", "fleet", "gentle", "golden", "graceful", "hardy",
    "honest", "humble", "indigo", "jolly", "keen", "kind", "lively", "loyal", "lucky", "mellow",
    "mighty", "nimble", "noble", "patient", "polite", "proud", "quick", "quiet", "rapid", "robust",
    "royal", "silent", "silver", "steady", "sunny", "swift", "wise",
];

const SECOND: [&str; 64] = [
    "albatross",
    "alpaca",
    "antelope",
    "badger",
    "beaver",
    "bison",
    "bobcat",
    "buffalo",
    "camel",
    "caribou",
    "cheetah",
    "condor",
    "cormorant",
    "coyote",
    "crane",
    "cuckoo",
    "dolphin",
    "eagle",
    "egret",
    "falcon",
    "ferret",
    "finch",
    "fox",
    "gazelle",
    "gecko",
    "gibbon",
    "goose",
    "hare",
    "hedgehog",
    "heron",
    "ibex",
    "iguana",
    "jackal",
    "jaguar",
    "kestrel",
    "kingfisher",
    "koala",
    "lemur",
    "leopard",
    "lynx",
    "magpie",
    "manatee",
    "marmot",
    "marten",
    "mongoose",
    "moose",
    "narwhal",
    "newt",
    "ocelot",
    "orca",
    "osprey",
    "otter",
    "panther",
    "pelican",
    "penguin",
    "puffin",
    "quail",
    "raven",
    "salmon",
    "seal",
    "stork",
    "tapir",
    "toucan",
    "walrus",
];

/// A name by chance: `steady-otter`.
pub fn by_chance() -> String {
    let pick = || usize::try_from(random::below(64)).unwrap_or(0);
    of(pick(), pick())
}

/// The name of two places in the lists, each below 64.
pub fn of(first: usize, second: usize) -> String {
    let word = |words: &[&'static str; 64], at: usize| words.get(at).copied().unwrap_or("quiet");
    format!("{}-{}", word(&FIRST, first), word(&SECOND, second))
}
