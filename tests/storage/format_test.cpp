// The texts that are shared with Optuna, and the URLs of stores.
#include "storage/clock.hpp"
#include "storage/distribution.hpp"
#include "storage/json.hpp"
#include "storage/location.hpp"
#include "storage/support.hpp"

#include <cmath>
#include <limits>

namespace warpbo::storage {
namespace {

using storage_test::error_of;

std::string real_json(double value) {
  std::string out;
  append_json_real(out, value);
  return out;
}

std::string string_json(std::string_view bytes) {
  std::string out;
  append_json_string(out, bytes);
  return out;
}

// Every expected text below was printed by Python's json.dumps.
TEST(StorageJson, WritesNumbersAsPythonDoes) {
  EXPECT_EQ(real_json(0.1), "0.1");
  EXPECT_EQ(real_json(3), "3.0");
  EXPECT_EQ(real_json(-0.0), "-0.0");
  EXPECT_EQ(real_json(1e-5), "1e-05");
  EXPECT_EQ(real_json(0.0001), "0.0001");
  EXPECT_EQ(real_json(1e15), "1000000000000000.0");
  EXPECT_EQ(real_json(1e16), "1e+16");
  EXPECT_EQ(real_json(123456789012345680.0), "1.2345678901234568e+17");
  EXPECT_EQ(real_json(5e-324), "5e-324");
  EXPECT_EQ(real_json(std::numeric_limits<double>::infinity()), "Infinity");
  EXPECT_EQ(real_json(std::nan("")), "NaN");
}

TEST(StorageJson, S8_WritesAndReadsStringsAsPythonDoes) {
  EXPECT_EQ(string_json("\xC3\xA9\"\\\n"), R"("\u00e9\"\\\n")");
  EXPECT_EQ(string_json("\xF0\x9F\x98\x80\x7F"), R"("\ud83d\ude00\u007f")");
  EXPECT_EQ(string_json("\xFF"), R"("\udcff")") << "surrogateescape";
  EXPECT_EQ(string_json("\xC0\xAF"), R"("\udcc0\udcaf")") << "an overlong form is not UTF-8";
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
  const auto read = parse_json(string_json(every));
  ASSERT_TRUE(read);
  EXPECT_EQ(std::get<std::string>(read->value), every);
}

TEST(StorageJson, ReadsWhatPythonWritesAndNothingElse) {
  const auto json = parse_json(R"( {"a": [1, 1.0, -2e3, true, null, NaN, -Infinity], "b": {}} )");
  ASSERT_TRUE(json);
  const auto& array = std::get<Json::Array>(json->find("a")->value);
  EXPECT_TRUE(std::holds_alternative<std::int64_t>(array[0].value));
  EXPECT_TRUE(std::holds_alternative<double>(array[1].value));
  EXPECT_EQ(array[2].number(), -2000);
  EXPECT_TRUE(std::isnan(*array[5].number()));
  EXPECT_TRUE(std::isinf(*array[6].number()));
  for (const char* bad :
       {"", "{", "[1,]", "{\"a\"}", "01x", "\"a", "\"\\x\"", "nul", "1 2", "[1", "\"\\u12\"", "-", "1e", "\"\n\""})
    EXPECT_FALSE(parse_json(bad)) << bad;
  EXPECT_FALSE(parse_json(std::string(100000, '['))) << "deep nesting is refused, not recursed into";
  EXPECT_TRUE(is_json(std::string(100000, '[') + std::string(100000, ']')));
}

TEST(StorageDistribution, TextsAreOptunas) {
  const Space space = storage_test::full_space();
  const auto text = [&](const char* name) { return distribution_text(*space.find(name)); };
  EXPECT_EQ(text("lr"),
            R"({"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}})");
  EXPECT_EQ(text("drop"),
            R"({"name": "FloatDistribution", "attributes": {"step": 0.3, "low": 0.0, "high": 0.9, "log": false}})");
  EXPECT_EQ(text("width"), R"({"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 256}})");
  EXPECT_EQ(text("depth"), R"({"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 100}})");
  EXPECT_EQ(text("mixed"), R"({"name": "CategoricalDistribution", "attributes": {"choices": [1, 1.5, true, "1"]}})");
  EXPECT_EQ(text("bias"), R"({"name": "CategoricalDistribution", "attributes": {"choices": [false, true]}})");
  EXPECT_EQ(text("seed"), R"({"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 7, "high": 7}})");
  EXPECT_EQ(text("tag"), R"({"name": "CategoricalDistribution", "attributes": {"choices": ["a\n\"\u00e9\""]}})");
}

TEST(StorageDistribution, StepsThatDoNotDivideTheRangeEndWhereOptunaEndsThem) {
  ParameterSpec spec;
  spec.low = 0;
  spec.high = 0.35;
  spec.step = 0.1;
  EXPECT_EQ(distribution_text(spec),
            R"({"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.3, "log": false}})");
  spec.kind = ParameterKind::integer;
  spec.int_low = 1;
  spec.int_high = 9;
  spec.int_step = 3;
  EXPECT_EQ(distribution_text(spec),
            R"({"name": "IntDistribution", "attributes": {"log": false, "step": 3, "low": 1, "high": 7}})");
}

TEST(StorageDistribution, ReadsOptunasChoicesThatWeDoNotHave) {
  const auto spec = read_distribution(
      "c", R"({"name": "CategoricalDistribution", "attributes": {"choices": ["None", null, NaN, 1, true]}})", "here");
  ASSERT_TRUE(spec);
  const std::vector<Value> expected = {Value(std::string("None")), Value(std::string("None_")), Value(std::string("nan")),
                                       Value(std::int64_t{1}), Value(true)};
  EXPECT_EQ(spec->choices, expected);
  EXPECT_FALSE(read_distribution("c", R"({"name": "Unheard", "attributes": {}})", "here"));
  EXPECT_FALSE(read_distribution("c", R"({"name": "FloatDistribution", "attributes": {"low": 2, "high": 1}})", "here"));
  EXPECT_EQ(error_of([] { static_cast<void>(read_distribution("c", "{\"name", "here")); }), ErrorCode::data_corrupt);
  const auto old = read_distribution(
      "c", R"({"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 1.0, "q": 0.25}})", "here");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->step, 0.25);
}

TEST(StorageClock, TimesAreNaiveUtcWithMicroseconds) {
  const auto time = parse_time("2026-11-23 20:36:00.297826");
  ASSERT_TRUE(time);
  EXPECT_EQ(std::chrono::duration_cast<std::chrono::microseconds>(time->time_since_epoch()).count(), 1795466160297826);
  EXPECT_EQ(format_time(*time), "2026-11-23 20:36:00.297826");
  EXPECT_EQ(format_time(*parse_time("1969-12-31 23:59:59.5")), "1969-12-31 23:59:59.500000");
  EXPECT_TRUE(parse_time("2024-02-29 00:00:00"));
  for (const char* bad :
       {"", "2023-02-29 00:00:00", "2023-13-01 00:00:00", "2023-01-01 24:00:00", "2023-01-01", "yyyy-mm-dd hh:mm:ss"})
    EXPECT_FALSE(parse_time(bad)) << bad;
  const Trial::Time now = current_time();
  EXPECT_EQ(parse_time(format_time(now)), now);
}

TEST(StorageLocation, ReadsUrls) {
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(parse_location("sqlite:runs/a.db").path, here + "/runs/a.db");
  EXPECT_EQ(parse_location("runs/a.db").path, here + "/runs/a.db");
  EXPECT_EQ(parse_location("sqlite:///runs/a.db").path, here + "/runs/a.db");
  EXPECT_EQ(parse_location("sqlite:////tmp/a.db").path, "/tmp/a.db");
  EXPECT_EQ(parse_location("sqlite:/tmp/a b?c.db").path, "/tmp/a b?c.db");
  EXPECT_EQ(parse_location("./a:b").path, here + "/./a:b");
  EXPECT_TRUE(parse_location("memory:").memory);
  for (const char* bad : {"", "sqlite:", "postgresql://host/db", "journal:x", "sqlite::memory:", "runs/"}) {
    EXPECT_EQ(error_of([&] { static_cast<void>(parse_location(bad)); }), ErrorCode::invalid_argument) << bad;
  }
}

TEST(StorageLocation, C17_NetworkFileSystemsAreKnown) {
  EXPECT_EQ(network_file_system(0x6969), "NFS");
  EXPECT_EQ(network_file_system(0xFFFFFFFFFF534D42ULL), "CIFS") << "statfs may sign-extend";
  EXPECT_EQ(network_file_system(0x65735546), "FUSE");
  EXPECT_FALSE(network_file_system(0xEF53)) << "ext4";
  EXPECT_FALSE(network_file_system(0x01021994)) << "tmpfs";
  EXPECT_FALSE(network_file_system(0x794C7630)) << "overlayfs, as in containers";
  EXPECT_TRUE(parse_location("sqlite:a.db?allow-network-fs").allow_network);
  EXPECT_FALSE(parse_location("sqlite:a.db").allow_network);
  EXPECT_TRUE(parse_location("sqlite:a.db?allow-network-fs").path.ends_with("/a.db"));
}

}  // namespace
}  // namespace warpbo::storage
