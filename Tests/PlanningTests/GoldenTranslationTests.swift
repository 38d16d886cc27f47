import Parsing
import Planning
import TestSupport
import Testing

/// The cases of one recorded file.
func goldenCases(_ name: String) throws -> [JSONValue] {
  try #require(JSONReader.parse(Fixtures.bytes("\(name).public.json"))["cases"]?.array)
}

/// The answer to `input` with its kind added.
private func translated(_ input: JSONValue, kind: String) throws -> JSONValue {
  let members = try #require(input.object).members
  let line = JSONWriter.string(.object(JSONObject([(key: "kind", value: .string(kind))] + members)))
  return try JSONReader.parse(Translator.translate(line: line))
}

/// What a user can act on: a sentence that says more than a type of exception.
private func isSentence(_ text: String?) -> Bool {
  guard let text, text.hasSuffix("."), text.count > 20 else { return false }
  return !text.contains("Error") && !text.contains("division") && !text.contains("NoneType")
}

/// The recorded result that counts: the newer one where there are two.
private func expected(_ golden: JSONValue) -> JSONValue {
  golden["expected_newer"] ?? golden["expected"] ?? .null
}

@Test func everyRecordedModelTranslationIsEqualOrRefused() throws {
  var (equal, refused) = (0, 0)
  for golden in try goldenCases("golden_config") {
    let input = try #require(golden["input"])
    let id = Comment(rawValue: golden["id"]?.string ?? "")
    let answer = try translated(input, kind: "model")
    let result = expected(golden)["first"] ?? expected(golden)
    if result["error"] != nil {
      #expect(isSentence(answer["error"]?.string), id)
      refused += 1
    } else {
      #expect(answer["overrides"] == result["overrides"], id)
      #expect(answer["overrides"]?.object?.keys == result["overrides"]?.object?.keys, id)
      #expect(answer["log"] == result["logs"], id)
      equal += 1
    }
  }
  print("golden_config: \(equal) equal, \(refused) refused")
  #expect(equal + refused == 479)
}

@Test func aSecondTranslationGivesWhatAFreshOneGives() throws {
  var count = 0
  for golden in try goldenCases("golden_config") {
    guard let input = golden["input"], let then = input["then"]?.object else { continue }
    let members = try #require(input.object).members.filter { then[$0.key] == nil } + then.members
    let fresh = try translated(.object(JSONObject(members)), kind: "model")
    let log = try #require(expected(golden)["second"]?["logs"]?.array)
    // The recorded log tells what the second topology asks for; its overrides may still hold the first one's.
    #expect(fresh["log"]?.array == log)
    let firing = ["base_num_kv_heads", "global_num_kv_heads", "padded_base_moe_mlp_dim"]
    let texts = log.compactMap { $0["kind"]?.string }
    for (key, kind) in zip(firing, ["kv_pad", "global_kv_pad", "moe_pad"]) {
      #expect((fresh["overrides"]?[key] != nil) == texts.contains(kind))
    }
    count += 1
  }
  #expect(count == 9)
}

@Test func everyRecordedShardingIsEqualOrRefused() throws {
  var (equal, refused) = (0, 0)
  for golden in try goldenCases("golden_sharding") {
    let id = Comment(rawValue: golden["id"]?.string ?? "")
    let answer = try translated(#require(golden["input"]), kind: "sharding")
    let result = try #require(golden["expected"])
    let loses = golden["tags"]?.array?.contains("devices_lost_by_floor") ?? false
    if loses || result["error"] != nil {
      #expect(isSentence(answer["error"]?.string), id)
      refused += 1
    } else {
      let keys = ["tp", "ep", "attn_dp", "attn_dp_expert", "dp", "total_devices"]
      #expect(answer.object?.keys == keys, id)
      for key in keys { #expect(answer[key] == result[key], id) }
      equal += 1
    }
  }
  print("golden_sharding: \(equal) equal, \(refused) refused")
  #expect(equal + refused == 267)
}
