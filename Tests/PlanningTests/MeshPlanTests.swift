import Foundation
import ModelConfigs
import Parsing
import Planning
import Tensors
import TestSupport
import Testing
import Topology

/// The configuration of a reference model and the text part of its file.
private func model(_ name: String) throws -> (ModelConfig, JSONObject) {
  let path = Fixtures.packageRoot.appendingPathComponent(
    "Tests/GoldenTests/Fixtures/models/\(name)/config.json")
  let json = try JSONReader.parse([UInt8](Data(contentsOf: path)))
  return (try ModelConfig(json: json), try ModelTranslationRequest.textConfig(of: #require(json.object)))
}

private func plan(_ name: String, _ shape: MeshShape, _ options: MeshPlanOptions = .init()) throws -> MeshPlan
{
  let (config, text) = try model(name)
  return try MeshPlan(config: config, textConfig: text, shape: shape, options: options)
}

private let models = [
  "llama-gqa", "llama-tied", "llama-uneven", "qwen3-moe", "qwen3-moe-uneven", "mixtral", "gemma3-text",
  "qwen2-moe", "glm4-moe", "dots1",
]

private func shapes() throws -> [MeshShape] {
  try [
    .single, MeshShape(tp: 2), MeshShape(ep: 2), MeshShape(ep: 2, tp: 2), MeshShape(attnDP: 2),
    MeshShape(attnDP: 2, ep: 2), MeshShape(attnDP: 2, attnDPExpert: 2, ep: 2, tp: 2), MeshShape(tp: 3),
    MeshShape(dp: 2, attnDP: 3),
  ]
}

@Test func everyTensorIsHeldWhollyByEachReplica() throws {
  for name in models {
    for shape in try shapes() where shape.ep * shape.tp <= 4 {
      let plan = try plan(name, shape)
      let elements = plan.tensors.filter { $0.name != "k_proj" && $0.name != "v_proj" }
      for tensor in elements {
        let shares = TensorAxisRules.runtime[tensor.tensor].sharded.reduce(1) {
          $0 * shape.size(over: $1.axes)
        }
        let copies = Double(shape.worldSize / shares)
        #expect(abs(tensor.copies - copies) < 1e-9, "\(name) \(shape) \(tensor.name)")
      }
    }
  }
}

@Test func oneRankHoldsWhatTheModelHas() throws {
  for name in models {
    let (config, _) = try model(name)
    let parameters = TensorNames(config).parameterCount
    var options = MeshPlanOptions()
    options.weightFormat = .f32
    let tensors = try plan(name, .single, options).tensors
    #expect(tensors.reduce(0) { $0 + $1.wholeBytes * $1.count } == parameters * 4, "\(name)")
  }
}

@Test func cachesHoldTheHeadsThatAreRead() throws {
  // 2 KV heads of 16, 4 layers, bf16: 2 * 2 * 16 * 2 * 4 bytes.
  #expect(try plan("llama-gqa", .single).ranks.map(\.kvBytesPerToken) == [512])
  #expect(try plan("llama-gqa", MeshShape(tp: 2)).ranks.map(\.kvBytesPerToken) == [256, 256])
  let replicated = try plan("llama-gqa", MeshShape(tp: 4))
  #expect(replicated.ranks.map(\.kvBytesPerToken) == [256, 256, 256, 256])
  #expect(replicated.costs.contains { $0.unit == .cachePerToken && $0.bytes == 512 })
  #expect(replicated.warnings.contains { $0.contains("so 4 are kept per group") })
  #expect(replicated.translation.overrides["base_num_kv_heads"] == 4)
}

@Test func aSingleRankExchangesNothing() throws {
  for name in models { #expect(try plan(name, .single).collectives.isEmpty) }
}

@Test func denseExchangesFollowTheirFormulas() throws {
  let collectives = try plan("llama-gqa", MeshShape(tp: 2)).collectives
  // Rows of 128 f32; 8 heads and 16 leaves in halves: one root a rank.
  let row = 128.0 * 4
  #expect(collectives[0].operation == "embedding-all-gather" && collectives[0].bytesPerToken == row)
  let attention = collectives.filter { $0.operation == "attention-all-reduce" }
  #expect(attention.count == 4 && attention.allSatisfy { $0.bytesPerToken == 2 * row && $0.groupSize == 2 })
  let mlp = collectives.filter { $0.operation == "mlp-reduce" }
  #expect(mlp.count == 4 && mlp.allSatisfy { $0.bytesPerToken == 2 * row })
  #expect(collectives.last?.bytesPerToken == 8)
}

@Test func attentionGroupsGatherTokensAndGetTheirSumsBack() throws {
  let collectives = try plan("llama-gqa", MeshShape(attnDP: 2)).collectives
  let row = 128.0 * 4
  #expect(Set(collectives.map(\.operation)) == ["mlp-token-all-gather", "mlp-reduce"])
  #expect(collectives.allSatisfy { $0.bytesPerToken == row })
}

@Test func routedRowsAloneMoveWhenThatIsLess() throws {
  let shape = try MeshShape(attnDPExpert: 4)
  var options = MeshPlanOptions()
  func operations() throws -> Set<String> {
    Set(try plan("qwen3-moe", shape, options).collectives.map(\.operation))
  }
  #expect(try operations().contains("expert-dispatch-all-to-all"))
  options.expertDispatch = .allReduce
  #expect(try operations().contains("expert-token-all-gather"))
  options.expertDispatch = .allToAll
  let dispatch = try #require(
    try plan("qwen3-moe", shape, options).collectives.first { $0.operation == "expert-dispatch-all-to-all" })
  // A block of 2 of 8 experts is hit by one of 2 choices with 1 - 6/8 * 5/7; 3 of 4 blocks are elsewhere.
  let expected = (1 - 6.0 / 8 * 5 / 7) * 4 * 0.75 * (96 * 4 + 2 * 4)
  #expect(abs(dispatch.bytesPerToken - expected) < 1e-9)
}

/// Sends of one step, counted message by message, against the formulas.
@Test func formulasEqualCountedMessages() throws {
  for shape in try shapes() where shape.ep * shape.tp <= 6 && shape.attnDPExpert * shape.ep <= 6 {
    let plan = try plan("qwen3-moe-uneven", shape).shards
    let mesh = plan.mesh
    let traffic = CollectiveTraffic(plan)
    let row = traffic.rowBytes
    let roots = { (width: Int, rank: Int) in
      plan.leaves(width: width).tree.roots(of: plan.widthLeaves(of: rank, width: width)).count
    }
    for source in 0..<shape.attnDP {
      let holder = mesh.rank(at: MeshCoordinates(attnDP: source))
      let holders = mesh.attentionGroup(of: holder).ranks
      var reduce = 0
      for receiver in holders {
        for sender in mesh.mlpGroup(of: receiver).ranks where sender != receiver {
          reduce += roots(208, sender)
        }
      }
      #expect(traffic.mlpReduce(width: 208, attnDP: source) == reduce * row, "\(shape)")
    }
    let experts = ExpertDimensions(numExperts: 6, numExpertsPerToken: 3, intermediateSize: 56)
    var (combine, owners) = (0.0, 0)
    for first in mesh.groups(.attention).prefix(mesh.tokenOwners) {
      owners += 1
      for expert in 0..<6 {
        for sender in mesh.replicaGroup(of: 0).ranks where plan.experts(of: sender, count: 6).contains(expert)
        {
          combine += Double(roots(56, sender) * first.ranks.count { $0 != sender })
        }
      }
    }
    let average = combine / Double(owners) / 6 * 3 * Double(row)
    #expect(abs(traffic.expertCombine(experts) - average) < 1e-6, "\(shape)")
  }
}

/// Every choice of 3 of 6 experts, destination by destination, against the expected dispatch.
@Test func expectedDispatchEqualsTheAverageOverAllChoices() throws {
  let choices = (0..<64).filter { $0.nonzeroBitCount == 3 }
  let experts = ExpertDimensions(numExperts: 6, numExpertsPerToken: 3, intermediateSize: 56)
  for shape in try shapes() where shape.ep * shape.tp <= 6 && shape.attnDPExpert * shape.ep <= 6 {
    let plan = try plan("qwen3-moe-uneven", shape).shards
    let groups = plan.mesh.groups(.attention).prefix(plan.mesh.tokenOwners)
    var rows = 0
    for group in groups {
      for choice in choices {
        rows += plan.mesh.replicaGroup(of: 0).ranks.count { rank in
          !group.contains(rank) && plan.experts(of: rank, count: 6).contains { choice >> $0 & 1 == 1 }
        }
      }
    }
    let traffic = CollectiveTraffic(plan)
    let average =
      Double(rows) / Double(groups.count * choices.count) * Double(traffic.routedRowBytes(experts))
    #expect(abs(traffic.expertDispatch(experts) - average) < 1e-6, "\(shape)")
  }
}

/// Random meshes are either refused with a sentence or planned whole.
@Test(arguments: 1...12)
func anyMeshIsPlannedOrRefused(seed: UInt64) throws {
  var random = SeededGenerator(seed: seed)
  for name in models {
    let sizes = (0..<5).map { _ in [1, 1, 2, 3, 4, 5].randomElement(using: &random)! }
    let shape = try MeshShape(
      dp: sizes[0], attnDP: sizes[1], attnDPExpert: sizes[2], ep: sizes[3], tp: sizes[4])
    do {
      let plan = try plan(name, shape)
      let json = JSONWriter.string(plan.json)
      #expect(try JSONReader.parse(json) == plan.json, "\(name) \(shape) seed \(seed)")
      #expect(plan.collectives.allSatisfy { $0.bytesPerToken >= 0 && $0.groupSize > 1 })
      #expect(plan.page.contains("Predicted step"))
    } catch let error as PlanningError {
      #expect(error.sentence.contains("use "), "\(name) \(shape) seed \(seed)")
    }
  }
}

@Test func theDocumentHasTheAgreedMembers() throws {
  let plan = try plan("qwen3-moe", MeshShape(attnDP: 2, ep: 2, tp: 2))
  let json = plan.json
  #expect(
    json.object?.keys
      == ["overrides", "warnings", "mesh", "ranks", "collectives_per_step", "predicted_step_seconds"])
  #expect(json["mesh"] == ["dp": 1, "attn_dp": 2, "attn_dp_expert": 1, "ep": 2, "tp": 2, "world_size": 8])
  let rank = try #require(json["ranks"]?[5])
  #expect(rank.object?.keys == ["rank", "coordinates", "groups", "weight_bytes", "kv_bytes_per_token"])
  #expect(rank["coordinates"] == ["data": 0, "attn_dp": 1, "attn_dp_expert": 0, "expert": 0, "model": 1])
  #expect(rank["groups"]?["attention"] == [4, 5, 6, 7] && rank["groups"]?["mlp"] == [0, 1, 4, 5])
  let exchange = try #require(json["collectives_per_step"]?[1])
  #expect(exchange.object?.keys == ["layer", "operation", "group_size", "bytes_per_token"])
  #expect(exchange["layer"] == 0)
  #expect((json["predicted_step_seconds"]?.double ?? 0) > 0)
  #expect(json["overrides"]?["padded_base_moe_mlp_dim"] == nil)
}

@Test func thePageShowsEveryPart() throws {
  let page = try plan("qwen3-moe-uneven", MeshShape(attnDP: 2, ep: 2, tp: 2)).page
  for part in [
    "Qwen3MoeForCausalLM on 8 ranks: tp=2 ep=2 attn_dp=2", "expert 0, model 1", "Q: model x expert",
    "E: attn_dp_expert x expert", "attention-all-reduce", "vLLM sharding config: hidden_size=56",
    "Predicted step",
    "tokens/s",
  ] {
    #expect(page.contains(part), "\(part)\n\(page)")
  }
  #expect(page.split(separator: "\n").allSatisfy { $0.last != " " })
}

@Test func whatCannotBePlannedIsRefusedWithTheNearestMesh() throws {
  #expect { try plan("llama-gqa", MeshShape(tp: 16)) } throws: { "\($0)".contains("use ep=1 tp=8") }
  #expect { try plan("qwen3-moe-uneven", MeshShape(attnDPExpert: 7)) } throws: {
    "\($0)".contains("only 6 experts")
  }
}

@Test func moreRanksPerHostTakeLonger() throws {
  var options = MeshPlanOptions()
  let together = try plan("mixtral", MeshShape(tp: 4), options).stepTime
  options.machine.ranksPerHost = 1
  let apart = try plan("mixtral", MeshShape(tp: 4), options).stepTime
  #expect(apart.computeSeconds < together.computeSeconds && apart.exchangeSeconds == together.exchangeSeconds)
}

@Test(arguments: [
  (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (1536, "1.50 KiB"), (1_048_575, "1.00 MiB"),
  (10_240, "10.0 KiB"),
  (3 << 40, "3.00 TiB"), (-2048, "-2.00 KiB"),
])
func byteCountsAreShort(bytes: Int, text: String) {
  #expect(ByteText.short(bytes) == text)
}

@Test func durationsAreShort() {
  #expect(ByteText.duration(seconds: 0.000_012_3) == "12.3 us")
  #expect(ByteText.duration(seconds: 0.5) == "500 ms")
  #expect(ByteText.duration(seconds: 2.345) == "2.35 s" || ByteText.duration(seconds: 2.345) == "2.34 s")
}

@Test func vLLMsConfigurationBecomesAMesh() throws {
  let (config, _) = try model("llama-gqa")
  let additional: JSONValue = [
    "sharding": ["sharding_strategy": ["enable_dp_attention": true, "expert_parallelism": 2]],
    "maxtext_config": ["model_name": "x"],
  ]
  let request = try ShardingRequest(config: config, additionalConfig: additional, tensorParallelSize: 4)
  #expect(try request.meshShape().description == "tp=2 attn_dp_expert=2 attn_dp=2")
  var options = MeshPlanOptions()
  try options.takeOverrides(additionalConfig: additional)
  #expect(options.maxtextConfig["model_name"] == "x")
  try options.takeOverrides(additionalConfig: nil)
  #expect(options.maxtextConfig.isEmpty)
  #expect(throws: PlanningError.self) {
    try ShardingRequest(config: config, additionalConfig: nil, tensorParallelSize: 0).meshShape()
  }
  #expect(throws: PlanningError.self) {
    try ShardingRequest(config: config, additionalConfig: nil, dataParallelSize: -1)
  }
}

@Test func aLargeMeshIsPlannedQuickly() throws {
  let plan = try plan("llama-gqa", MeshShape(dp: 32, attnDP: 4, tp: 8))
  #expect(plan.json["ranks"]?.array?.count == 1024)
  #expect(plan.page.contains("... and 960 more ranks"))
}
