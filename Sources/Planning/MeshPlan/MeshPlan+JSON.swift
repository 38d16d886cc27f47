package import Parsing
import Topology

extension MeshPlan {
  /// The document that other programs rely on: `{"overrides", "warnings", "mesh", "ranks", "collectives_per_step",
  /// "predicted_step_seconds"}`.
  package var json: JSONValue {
    [
      "overrides": .object(translation.overrides),
      "warnings": .array(warnings.map { .string($0) }),
      "mesh": mesh.shape.json,
      "ranks": .array(ranks.map(json)),
      "collectives_per_step": .array(collectives.map(\.json)),
      "predicted_step_seconds": .number(stepTime.seconds),
    ]
  }

  private func json(_ rank: RankPlan) -> JSONValue {
    let at = mesh.coordinates(of: rank.rank)
    let groups = MeshGroup.allCases.map { kind in
      let ranks = mesh.group(kind, of: rank.rank).ranks
      return (key: kind.rawValue, value: JSONValue.array(ranks.map { .integer(Int64($0)) }))
    }
    return [
      "rank": .integer(Int64(rank.rank)),
      "coordinates": .object(
        JSONObject(MeshAxis.allCases.map { (key: $0.rawValue, value: .integer(Int64(at[$0]))) })),
      "groups": .object(JSONObject(groups)),
      "weight_bytes": .integer(Int64(rank.weightBytes)),
      "kv_bytes_per_token": .integer(Int64(rank.kvBytesPerToken)),
    ]
  }
}

extension MeshShape {
  /// `{"dp", "attn_dp", "attn_dp_expert", "ep", "tp", "world_size"}`
  package var json: JSONValue {
    let degrees = MeshAxis.allCases.map { (key: $0.degreeName, value: JSONValue.integer(Int64(self[$0]))) }
    return .object(JSONObject(degrees + [(key: "world_size", value: .integer(Int64(worldSize)))]))
  }
}

extension PlannedCollective {
  /// `layer` is a number, or "embedding" or "head".
  package var json: JSONValue {
    let layer: JSONValue =
      switch place {
      case .embedding: "embedding"
      case .layer(let layer): .integer(Int64(layer))
      case .head: "head"
      }
    return [
      "layer": layer, "operation": .string(operation), "group_size": .integer(Int64(groupSize)),
      "bytes_per_token": Int64(exactly: bytesPerToken).map { .integer($0) } ?? .number(bytesPerToken),
    ]
  }
}
