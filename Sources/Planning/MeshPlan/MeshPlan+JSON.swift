package import Parsing
import Topology

extension MeshPlan {
  /// The document that other programs rely on: `{"overrides", "warnings", "mesh", "ranks",
  /// "collectives_per_step", "predicted_step_seconds"}`.
  package var json: JSONValue {
    [
      "overrides": .object(translation.overrides),
      "warnings": .array(warnings.map { .string($0) }),
      "mesh": mesh.shape.json,
      "ranks": .array(rankDocuments),
      "collectives_per_step": .array(collectives.map(\.json)),
      "predicted_step_seconds": .number(stepTime.seconds),
    ]
  }

  private var rankDocuments: [JSONValue] {
    // Every group is made once and shared by its ranks: a large mesh has many long ones.
    var groups = [[(key: String, value: JSONValue)]](repeating: [], count: mesh.worldSize)
    for kind in MeshGroup.allCases {
      for group in mesh.groups(kind) {
        let document = JSONValue.array(group.ranks.map { .integer(Int64($0)) })
        for rank in group.ranks { groups[rank].append((key: kind.rawValue, value: document)) }
      }
    }
    return ranks.map { plan in
      let at = mesh.coordinates(of: plan.rank)
      let coordinates = MeshAxis.allCases.map { (key: $0.rawValue, value: JSONValue.integer(Int64(at[$0]))) }
      return [
        "rank": .integer(Int64(plan.rank)),
        "coordinates": .object(JSONObject(coordinates)),
        "groups": .object(JSONObject(groups[plan.rank])),
        "weight_bytes": .integer(Int64(plan.weightBytes)),
        "kv_bytes_per_token": .integer(Int64(plan.kvBytesPerToken)),
      ]
    }
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
