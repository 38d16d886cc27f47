import Parsing
import Planning
import Testing

/// A nested list of whole numbers: its shape and its elements in order.
private func flattened(_ value: JSONValue) -> (shape: [Int], elements: [Int]) {
  guard let array = value.array else { return ([], value.int.map { [$0] } ?? []) }
  let inner = array.map(flattened)
  return ([array.count] + (inner.first?.shape ?? []), inner.flatMap(\.elements))
}

private func numbers(_ value: JSONValue?) -> [Int] { value?.array?.compactMap(\.int) ?? [] }

/// Runs one recorded operation; nil when its kind is unknown.
private func run(_ golden: JSONValue) throws -> (shape: [Int], elements: [Int])? {
  func int(_ key: String) -> Int { golden[key]?.int ?? -1 }
  switch golden["op"]?.string {
  case "kv_replicate", "mlp_zero_pad":
    let isPad = golden["op"]?.string == "mlp_zero_pad"
    let stored = flattened(golden["ckpt_array"] ?? .null)
    var model = stored.shape
    model[isPad ? 2 : 1] = int(isPad ? "model_dim" : "model_heads")
    let alignment = try TensorAlignment(
      stored: stored.shape, model: model,
      roles: isPad ? [.other, .other, .zeroPadded] : [.other, .repeated, .other],
      shards: golden["shards"]?.int ?? 1, loadedSharded: golden["source_loaded_sharded"]?.bool ?? false)
    if let slots = golden["expected"]?["source_head_of_slot"] {
      #expect(alignment.axes[1].sources == numbers(slots))
    }
    return (model, alignment.apply(stored.elements, shape: stored.shape))
  case "fuse_gate_up":
    let (gate, up) = (flattened(golden["gate"] ?? .null), flattened(golden["up"] ?? .null))
    let fused = try AxisAlignment.fusingGateUp(
      width: int("ckpt_dim"), paddedTo: int("padded_dim"), shards: int("shards"))
    let width = int("ckpt_dim")
    let elements = (0..<gate.elements.count / width).flatMap { row in
      fused.sources.map { source in
        guard let source else { return 0 }
        return source < width
          ? gate.elements[row * width + source] : up.elements[row * width + source - width]
      }
    }
    return (gate.shape.dropLast() + [fused.sources.count], elements)
  case "align_other":
    let shape = numbers(golden["ckpt_shape"])
    let names = golden["axes"]?.array?.map { $0.array?.compactMap(\.string) ?? [$0.string ?? ""] } ?? []
    let alignment = try TensorAlignment(
      stored: shape, model: numbers(golden["model_shape"]), roles: names.map(TensorAlignment.AxisRole.init))
    return (numbers(golden["model_shape"]), alignment.apply(Array(0..<shape.reduce(1, *)), shape: shape))
  default: return nil
  }
}

@Test func everyRecordedWeightOperationIsEqualOrRefused() throws {
  var (equal, refused) = (0, 0)
  for golden in try goldenCases("golden_weights") {
    let id = Comment(rawValue: golden["id"]?.string ?? "")
    let expected = try #require(golden["expected"])
    if expected["error"] != nil {
      #expect(throws: PlanningError.self, id) { try run(golden) }
      refused += 1
    } else {
      let result = try #require(try run(golden))
      let model = flattened(expected["model_array"] ?? expected["fused"] ?? .null)
      #expect(result.shape == model.shape && result.elements == model.elements, id)
      equal += 1
    }
  }
  print("golden_weights: \(equal) equal, \(refused) refused")
  #expect(equal + refused == 23)
}

@Test func alignmentsCountTheirCost() throws {
  let heads = try AxisAlignment.repeating(from: 2, to: 8)
  #expect(heads.numReplicated == 6 && heads.numPadded == 0)
  let width = try AxisAlignment.zeroPadding(from: 6, to: 8, shards: 2, loadedSharded: true)
  #expect(width.numReplicated == 0 && width.numPadded == 2)
}

@Test func axesThatCannotGrowAreRefused() {
  for (from, to) in [(0, 4), (4, 0), (-1, 4), (4, Int.max)] {
    #expect(throws: PlanningError.self) { try AxisAlignment.repeating(from: from, to: to) }
  }
  #expect(throws: PlanningError.self) {
    try AxisAlignment.zeroPadding(from: 5, to: 7, shards: 2, loadedSharded: true)
  }
  #expect(throws: PlanningError.self) { try AxisAlignment.fusingGateUp(width: 4, paddedTo: 8, shards: 0) }
  #expect(throws: PlanningError.self) { try AxisAlignment.fusingGateUp(width: 3, paddedTo: 3, shards: 2) }
}
