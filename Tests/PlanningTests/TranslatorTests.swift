import Parsing
import Planning
import Testing
import Topology

private func answer(_ line: String) throws -> JSONValue {
  try JSONReader.parse(Translator.translate(line: line))
}

private func error(_ line: String) throws -> String { try #require(answer(line)["error"]?.string, "\(line)") }

private let model = #"{"kind":"model","num_lanes":8,"hf":{"fields":{"num_key_value_heads":2}}"#
private let sharding = #"{"kind":"sharding","additional_config":{"sharding":{"sharding_strategy":"#
private let attention =
  #"{"kind":"sharding","env":{"NEW_MODEL_DESIGN":true},"model":{"total_num_kv_heads":4,"head_size":128}"#

@Test(arguments: [
  ("", "no JSON"), ("{", "no JSON"), ("3", "an integer"), ("[]", "an array"), ("null", "null"),
  ("{}", "kind is missing"),
  (#"{"kind":1}"#, "kind is 1"), (#"{"kind":"mesh"}"#, #"kind is "mesh""#),
  (#"{"kind":"model"}"#, "num_lanes is missing"),
  (#"{"kind":"model","num_lanes":8}"#, "hf.fields is missing"),
  (#"{"kind":"model","num_lanes":8,"hf":7}"#, "hf is 7"),
  (#"{"kind":"model","num_lanes":8,"hf":{"fields":[]}}"#, "hf.fields is []"),
  (model + #","tp":"2"}"#, #"tp is "2", but must be a whole number from 0"#),
  (model + #","tp":2.5}"#, "tp is 2.5"),
  (model + #","tp":true}"#, "tp is true"), (model + #","tp":null}"#, "tp is null"),
  (model + #","tp":-2}"#, "tp is -2"),
  (model + #","ep":99999999999}"#, "ep is 99999999999"), (model + #","attn_dp":[1]}"#, "attn_dp is [1]"),
  (model + #","load_format":3}"#, "load_format is 3"),
  (model + #","maxtext_config":null}"#, "maxtext_config is null"),
  (model + #","maxtext_config":[1]}"#, "maxtext_config is [1]"),
  (model + #","maxtext_config":"x"}"#, "maxtext_config is"),
  (#"{"kind":"sharding","parallel":1}"#, "parallel is 1"),
  (#"{"kind":"sharding","parallel":{"tensor_parallel_size":"4"}}"#, "parallel.tensor_parallel_size is"),
  (#"{"kind":"sharding","parallel":{"data_parallel_size":1e30}}"#, "parallel.data_parallel_size is"),
  (
    #"{"kind":"sharding","parallel":{"decode_context_parallel_size":0}}"#, "decode_context_parallel_size is 0"
  ),
  (#"{"kind":"sharding","additional_config":null}"#, "additional_config is null"),
  (#"{"kind":"sharding","additional_config":{"sharding":null}}"#, "additional_config.sharding is null"),
  (
    #"{"kind":"sharding","additional_config":{"sharding":{"sharding_strategy":2}}}"#, "sharding_strategy is 2"
  ),
  (
    sharding + #"{"expert_parallelism":null}}}}"#,
    "expert_parallelism is null"
  ),
  (
    sharding + #"{"device_indexes":3}}}}"#,
    "device_indexes is 3"
  ),
  (
    sharding + #"{"enable_dp_attention":true}}}}"#,
    "total_num_kv_heads is missing"
  ),
  (#"{"kind":"sharding","lora":"yes"}"#, "lora is"),
  (#"{"kind":"sharding","env":{"NEW_MODEL_DESIGN":1}}"#, "is 1"),
  (
    #"{"kind":"sharding","parallel":{"tensor_parallel_size":2000000000,"data_parallel_size":2000000000}}"#,
    "more than"
  ),
])
func whateverIsNoConfigurationIsRefused(line: String, reason: String) throws {
  #expect(try error(line).contains(reason))
}

@Test(arguments: ["tp", "ep", "attn_dp", "num_lanes", "load_format", "hf", "maxtext_config", "fields"])
func noValueCrashesTheModelTranslation(key: String) throws {
  let values: [JSONValue] = [
    .null, true, "", "x", -1, 0, 1, 3.5, 9e300, .integer(.max), .integer(.min), [], [[]], [:], ["a": .null],
  ]
  for value in values {
    for heads in values {
      var members: [(key: String, value: JSONValue)] = [
        ("kind", "model"), ("tp", 4), ("ep", 2), ("attn_dp", 2), ("num_lanes", 16), ("load_format", "dummy"),
        ("hf", ["fields": ["num_key_value_heads": heads, "moe_intermediate_size": value]]),
      ]
      members.append((key: key, value: value))
      let result = try answer(JSONWriter.string(.object(JSONObject(members))))
      #expect((result["error"] == nil) != (result["overrides"] == nil))
    }
  }
}

@Test func lostDevicesAreNamedWithTheNearestSize() throws {
  let strategy = #","additional_config":{"sharding":{"sharding_strategy":{"enable_dp_attention":true,"#
  let lost = try error(
    #"{"kind":"sharding","env":{"NEW_MODEL_DESIGN":true},"model":{"total_num_kv_heads":2,"head_size":128}"#
      + #","parallel":{"tensor_parallel_size":11}"# + strategy + #""expert_parallelism":1}}}}"#)
  #expect(lost.contains("use 10, or set attn_dp_size"))
  let unequal = try error(
    attention + #","parallel":{"tensor_parallel_size":8}"# + strategy + #""attn_dp_size":3}}}}"#)
  #expect(unequal.contains("attn_dp_size is 3, but must divide the tensor parallelism 8: use 2."))
  let above = try error(
    attention + #","parallel":{"tensor_parallel_size":6}"# + strategy + #""expert_parallelism":2}}}}"#)
  #expect(above.contains("use 4, or attn_dp_size 2"))
}

@Test func sizesBecomeAMesh() throws {
  var request = ShardingRequest()
  request.tensorParallelSize = 8
  request.numKVHeads = 4
  request.headDim = 128
  request.flags.newModelDesign = true
  request.strategy.enablesDataParallelAttention = true
  request.strategy.expertParallelism = 2
  #expect(try ShardingSizes(request).meshShape().description == "tp=4 attn_dp_expert=2 attn_dp=2")
  request.strategy.sequenceParallelism = 2
  #expect { try ShardingSizes(request).meshShape() } throws: { "\($0)".contains("sequence_parallelism is 2") }
}

@Test func outerFieldsAreIgnoredWhenThereIsATextConfig() throws {
  let nested: JSONValue = ["num_key_value_heads": 9, "text_config": ["num_key_value_heads": 2]]
  let text = try ModelTranslationRequest.textConfig(of: #require(nested.object))
  #expect(text["num_key_value_heads"] == 2)
  let broken: JSONValue = ["num_key_value_heads": 9, "text_config": .null]
  #expect(throws: PlanningError.self) { try ModelTranslationRequest.textConfig(of: broken.object!) }
}

@Test func aDuplicateOverrideKeepsItsFirstPlaceAndLastValue() throws {
  let answer = Translator.translate(line: model + #","tp":4,"maxtext_config":{"a":1,"b":2,"a":3}}"#)
  #expect(answer.hasPrefix(#"{"overrides": {"a": 3, "b": 2, "base_num_kv_heads": 4}, "log": ["#))
}
