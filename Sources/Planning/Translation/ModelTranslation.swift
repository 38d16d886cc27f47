package import Parsing

/// What decides the model overrides: degrees of the mesh, lanes of the machine, facts of the Hugging Face
/// configuration, and overrides that the caller gives.
package struct ModelTranslationRequest: Sendable {
  package var tp: Int
  package var ep: Int
  package var attnDP: Int
  /// Elements that the machine computes side by side: 128 for the original's accelerator.
  package var numLanes: Int
  package var loadFormat: String
  package var numKVHeads: Int
  /// KV heads of global layers; nil when the model makes no difference.
  package var numGlobalKVHeads: Int?
  /// Width of one expert; nil when the model has none, or names it otherwise.
  package var expertIntermediateSize: Int?
  /// The caller's `maxtext_config`; read, never changed.
  package var maxtextConfig: JSONObject

  package init(
    tp: Int, ep: Int, attnDP: Int, numLanes: Int, loadFormat: String, numKVHeads: Int, numGlobalKVHeads: Int?,
    expertIntermediateSize: Int?, maxtextConfig: JSONObject
  ) {
    self.tp = tp
    self.ep = ep
    self.attnDP = attnDP
    self.numLanes = numLanes
    self.loadFormat = loadFormat
    self.numKVHeads = numKVHeads
    self.numGlobalKVHeads = numGlobalKVHeads
    self.expertIntermediateSize = expertIntermediateSize
    self.maxtextConfig = maxtextConfig
  }
}

/// The overrides with which the model is built, and what was said on the way.
package struct ModelTranslation: Sendable, Equatable {
  package private(set) var overrides: JSONObject
  package private(set) var log: [LogLine] = []

  package struct LogLine: Sendable, Hashable {
    package var kind: Kind
    package var text: String

    package enum Kind: String, Sendable {
      case dummyLoadPathIgnored = "dummy_load_path_ignored"
      case shardingInfo = "sharding_info"
      case kvPad = "kv_pad"
      case globalKVPad = "global_kv_pad"
      case moePad = "moe_pad"
    }
  }

  /// Applies the rules of the original in its order: dummy loading, KV heads, global KV heads, expert width.
  /// A rule that fires wins over the caller's value; one that does not leaves it alone.
  package init(_ request: ModelTranslationRequest) throws(PlanningError) {
    overrides = JSONObject()
    for member in request.maxtextConfig.members { set(member.key, member.value) }
    ignorePathOfDummyLoad(request)
    logSharding(request)
    try padHeads(
      request.numKVHeads, over: request.tp * request.ep, name: "num_kv_heads", field: "num_key_value_heads",
      key: "base_num_kv_heads", kind: .kvPad)
    if let heads = request.numGlobalKVHeads {
      try padHeads(
        heads, over: request.tp * request.ep, name: "num_global_kv_heads",
        field: "num_global_key_value_heads",
        key: "global_num_kv_heads", kind: .globalKVPad)
    }
    if let width = request.expertIntermediateSize { try padExpertWidth(width, request) }
  }

  private mutating func ignorePathOfDummyLoad(_ request: ModelTranslationRequest) {
    guard request.loadFormat.hasSameBytes(as: "dummy"), let path = overrides["load_parameters_path"],
      !path.isNull
    else { return }
    note(
      .dummyLoadPathIgnored,
      "Warning: load_parameters_path is set when using dummy load format. Checkpoint loading will be skipped."
    )
    set("load_parameters_path", .null)
  }

  private mutating func logSharding(_ request: ModelTranslationRequest) {
    func shown(_ number: Int?) -> String { number.map { "\($0)" } ?? "None" }
    note(
      .shardingInfo,
      "vLLM sharding config: hidden_size=\(shown(request.expertIntermediateSize)), "
        + "kv_heads=\(request.numKVHeads), global_kv_heads=\(shown(request.numGlobalKVHeads)), "
        + "num_lanes=\(request.numLanes), tp=\(request.tp), attn_dp=\(request.attnDP), ep=\(request.ep), "
        + "moe_mlp_tp_size=\(request.tp * request.attnDP)")
  }

  /// Replicates KV heads up to one per attention rank when they divide the ranks evenly.
  private mutating func padHeads(
    _ heads: Int, over ranks: Int, name: String, field: String, key: String, kind: LogLine.Kind
  ) throws(PlanningError) {
    guard heads != 0 else {
      throw PlanningError(
        "\(field) is 0, but a model has at least one KV head: correct the model's configuration.")
    }
    guard ranks.floorRemainder(dividingBy: heads) == 0, heads < ranks else { return }
    note(kind, "Padding \(name) from \(heads) to \(ranks) to match the degree of tensor parallelism.")
    set(key, .integer(Int64(ranks)))
  }

  /// Widens experts to a power of two that leaves every rank at least `2 * lanes` columns.
  private mutating func padExpertWidth(_ width: Int, _ request: ModelTranslationRequest) throws(PlanningError)
  {
    let ranks = request.tp * request.attnDP
    guard ranks > 0 else {
      throw PlanningError(
        "tp \(request.tp) x attn_dp \(request.attnDP) is 0 ranks for the experts' width: both must be at "
          + "least 1."
      )
    }
    guard request.numLanes > 0 else {
      throw PlanningError("num_lanes is 0, but must be at least 1: give the lanes of the machine.")
    }
    let unit = 2 * request.numLanes
    guard width.floorDivided(by: ranks).floorRemainder(dividingBy: unit) != 0 else { return }
    guard width > 0 else {
      throw PlanningError(
        "moe_intermediate_size is \(width), but must be at least 1: correct the model's configuration.")
    }
    var padded = 1
    while padded < width || padded / ranks < unit {
      guard padded <= Int.max / 4 else {
        throw PlanningError(
          "moe_intermediate_size \(width) on \(ranks) ranks of \(request.numLanes) lanes asks for a width "
            + "beyond all memory: use fewer ranks.")
      }
      padded *= 2
    }
    note(.moePad, "Padding moe_intermediate_size from \(width) to \(padded) to match MLP MoE requirements.")
    set("padded_base_moe_mlp_dim", .integer(Int64(padded)))
  }

  private mutating func note(_ kind: LogLine.Kind, _ text: String) {
    log.append(LogLine(kind: kind, text: text))
  }

  /// Replaces a member in its place, or appends it.
  private mutating func set(_ key: String, _ value: JSONValue) {
    var members = overrides.members
    if let index = members.firstIndex(where: { $0.key.hasSameBytes(as: key) }) {
      members[index].value = value
    } else {
      members.append((key: key, value: value))
    }
    overrides = JSONObject(members)
  }
}
