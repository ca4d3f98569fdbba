#include "engine/tasks/detail/words.h"

namespace fluxscope::tasks {
namespace {

using Word = std::string_view;

constexpr std::size_t kNounsOfTopic = 20;

constexpr std::array kAdjectives = std::to_array<Word>(
    {"old",    "small",  "long",    "dark",   "red",     "quiet",  "heavy",  "white",  "green",  "warm",
     "tall",   "cold",   "bright",  "blue",   "broken",  "wide",   "soft",   "black",  "new",    "round",
     "empty",  "clean",  "narrow",  "yellow", "dry",     "wet",    "strong", "thin",   "deep",   "grey",
     "rough",  "sweet",  "sharp",   "golden", "plain",   "silver", "early",  "hidden", "brown",  "smooth",
     "loose",  "amber",  "hollow",  "pale",   "strange", "gentle", "copper", "wooden", "simple", "noisy",
     "purple", "steady", "crooked", "fresh",  "iron",    "lonely", "frozen", "polite", "rusty",  "humble",
     "bitter", "clever", "dusty",   "lucky"});

// Topic by topic, the commonest first.
constexpr std::array kNouns = std::to_array<Word>(
    {// the sea
     "boat", "rope", "net", "fish", "sail", "anchor", "shell", "wave", "oar", "gull", "barrel", "lantern",
     "crab", "mast", "hook", "chart", "pearl", "whale", "paddle", "buoy",
     // the farm
     "horse", "cow", "hay", "plough", "goat", "egg", "fence", "seed", "cart", "hen", "sheep", "bucket",
     "apple", "saddle", "sack", "spade", "donkey", "turnip", "rooster", "pumpkin",
     // the market
     "coin", "basket", "bread", "cloth", "lamp", "knife", "spice", "cheese", "purse", "scale", "silk",
     "melon", "ribbon", "onion", "candle", "honey", "button", "ticket", "parcel", "drum",
     // the mountain
     "stone", "path", "cave", "snow", "bear", "eagle", "cliff", "torch", "tent", "axe", "wolf", "boulder",
     "pine", "map", "goggle", "glacier", "hammer", "falcon", "badger", "crystal",
     // the house
     "door", "table", "chair", "window", "cup", "kettle", "bed", "clock", "mirror", "carpet", "stove",
     "pillow", "key", "shelf", "spoon", "curtain", "broom", "bottle", "blanket", "drawer",
     // the road
     "wagon", "wheel", "bridge", "letter", "coat", "stick", "sign", "bag", "bell", "dog", "hat", "boot",
     "trunk", "whistle", "flag", "bicycle", "engine", "tunnel", "signal", "suitcase",
     // the school
     "book", "pen", "page", "desk", "ink", "poem", "lesson", "paper", "globe", "chalk", "pencil", "story",
     "ruler", "notebook", "puzzle", "violin", "picture", "compass", "riddle", "medal",
     // the workshop
     "nail", "board", "saw", "brush", "wire", "paint", "glue", "screw", "chain", "bolt", "ladder", "motor",
     "spring", "plank", "chisel", "magnet", "pipe", "lever", "anvil", "gear"});
static_assert(kNouns.size() == kTopics * kNounsOfTopic);

constexpr std::size_t kPlacesOfTopic = 6;
constexpr std::array kTopicPlaces =
    std::to_array<Word>({"harbor",   "shore",   "pier",    "island",    "beach", "lighthouse",  //
                         "barn",     "field",   "stable",  "orchard",   "well",  "meadow",      //
                         "market",   "square",  "shop",    "fountain",  "alley", "gate",        //
                         "valley",   "ridge",   "summit",  "forest",    "river", "hut",         //
                         "kitchen",  "garden",  "cellar",  "attic",     "porch", "hall",        //
                         "road",     "station", "village", "crossing",  "inn",   "hill",        //
                         "school",   "library", "yard",    "classroom", "stage", "museum",      //
                         "workshop", "mill",    "shed",    "forge",     "tower", "warehouse"});
static_assert(kTopicPlaces.size() == kTopics * kPlacesOfTopic);

constexpr std::array kHandlingVerbs =
    std::to_array<Word>({"took",   "found",   "carried", "saw",    "held",    "bought",   "lost",
                         "moved",  "cleaned", "wanted",  "opened", "sold",    "painted",  "dropped",
                         "kept",   "lifted",  "pulled",  "hid",    "mended",  "touched",  "brought",
                         "packed", "watched", "pushed",  "forgot", "counted", "borrowed", "admired"});
constexpr std::array kMovingVerbs = std::to_array<Word>(
    {"walked", "went", "ran", "came", "hurried", "turned", "wandered", "drove", "returned", "rushed"});
constexpr std::array kStayingVerbs = std::to_array<Word>(
    {"waited", "sat", "stood", "slept", "worked", "rested", "sang", "listened", "laughed", "played"});
constexpr std::array kAdverbs = std::to_array<Word>(
    {"slowly", "again", "quietly", "together", "early", "alone", "gladly", "soon", "quickly", "calmly",
     "twice", "late", "gently", "at last", "for a while", "without a word"});
constexpr std::array kOpenings =
    std::to_array<Word>({"In the morning", "After a while", "At night", "That day", "Later", "In the evening",
                         "Before noon", "Once more", "In the rain", "On the way home", "Every winter",
                         "Long ago", "At first", "In the end", "As always", "By then"});
constexpr std::array kMovingPrepositions =
    std::to_array<Word>({"to", "from", "past", "towards", "around", "across"});
constexpr std::array kStayingPrepositions =
    std::to_array<Word>({"near", "in", "by", "behind", "at", "under"});

constexpr std::array kWomen = std::to_array<Word>(
    {"Anna",  "Mary",  "Clara", "Ida",  "Rosa",  "Nora", "Eva",   "Lena",  "Alice", "Ruth",  "Sara",  "Emma",
     "Julia", "Hanna", "Vera",  "Maya", "Edith", "Olga", "Frida", "Irene", "Laura", "Petra", "Wanda", "Zoe"});
constexpr std::array kMen =
    std::to_array<Word>({"Tom",   "Peter", "Karl",  "Max",    "Oscar",  "Paul", "Hugo",   "David",
                         "Simon", "Felix", "Jonas", "Otto",   "Victor", "Adam", "Bruno",  "Martin",
                         "Leo",   "Henry", "Ivan",  "Robert", "Samuel", "Emil", "Arthur", "Ned"});
constexpr std::array kSurnames = std::to_array<Word>(
    {"Baker", "Miller", "Stone",  "Fisher", "Wood",  "Hill",   "Brook",  "Carter", "Fox",   "Lane",
     "Marsh", "North",  "Parker", "Reed",   "Shaw",  "Turner", "Vale",   "Ward",   "Young", "Archer",
     "Bell",  "Cross",  "Dale",   "East",   "Field", "Grant",  "Hart",   "King",   "Long",  "Moss",
     "Page",  "Rivers", "Snow",   "Thorn",  "West",  "Winter", "Barnes", "Cole",   "Drake", "Flint",
     "Glass", "Holt",   "Knight", "Lamb",   "Noble", "Price",  "Swan",   "Wells"});
constexpr std::array kTowns =
    std::to_array<Word>({"Lisbon", "Oslo",  "Vienna", "Prague", "Dublin",  "Athens",  "Geneva", "Bergen",
                         "Naples", "Porto", "Turin",  "Zurich", "Malmo",   "Ghent",   "Krakow", "Riga",
                         "Cork",   "Split", "Lyon",   "Bremen", "Seville", "Tampere", "Varna",  "Basel",
                         "Leeds",  "Siena", "Bilbao", "Graz",   "Odense",  "Tallinn", "Verona", "York"});
constexpr std::array kTrades =
    std::to_array<Word>({"teacher", "doctor", "farmer", "sailor", "painter", "tailor", "baker", "gardener",
                         "singer", "weaver", "driver", "printer", "hunter", "writer", "banker", "judge"});

}  // namespace

std::span<const Word> adjectives() { return kAdjectives; }
std::span<const Word> nouns() { return kNouns; }
std::span<const Word> topicNouns(std::size_t topic) {
    return std::span<const Word>(kNouns).subspan(topic * kNounsOfTopic, kNounsOfTopic);
}
std::span<const Word> topicPlaces(std::size_t topic) {
    return std::span<const Word>(kTopicPlaces).subspan(topic * kPlacesOfTopic, kPlacesOfTopic);
}
std::span<const Word> handlingVerbs() { return kHandlingVerbs; }
std::span<const Word> movingVerbs() { return kMovingVerbs; }
std::span<const Word> adverbs() { return kAdverbs; }
std::span<const Word> openings() { return kOpenings; }
std::span<const Word> stayingVerbs() { return kStayingVerbs; }
std::span<const Word> movingPrepositions() { return kMovingPrepositions; }
std::span<const Word> stayingPrepositions() { return kStayingPrepositions; }
std::span<const Word> womenNames() { return kWomen; }
std::span<const Word> menNames() { return kMen; }
std::span<const Word> surnames() { return kSurnames; }
std::span<const Word> towns() { return kTowns; }
std::span<const Word> trades() { return kTrades; }

ZipfRanks::ZipfRanks(std::size_t count) {
    std::uint64_t total = 0;
    const auto weight = [](std::size_t rank) { return (std::uint64_t{1} << 32U) / (rank + 2); };
    for (std::size_t rank = 0; rank < count; ++rank) total += weight(rank);
    std::uint64_t before = 0;
    for (std::size_t rank = 0; rank < count; ++rank) {
        const std::uint64_t after = before + weight(rank);
        for (std::size_t slot = before * ranks_.size() / total; slot < after * ranks_.size() / total; ++slot)
            ranks_[slot] = static_cast<std::uint8_t>(rank);
        before = after;
    }
}

}  // namespace fluxscope::tasks
