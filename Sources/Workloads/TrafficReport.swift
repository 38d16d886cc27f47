package import Parsing
package import Topology
internal import Wire

/// The JSON document of `trace`.
package enum TrafficReport {
  package static func json(
    model: String, mesh: MeshShape, steps: [RecordedStep], load: ExpertLoad
  ) -> JSONValue {
    .members([
      "model": .string(model), "mesh": GenerationReport.mesh(mesh),
      "bytes_equal_formula": .bool(steps.allSatisfy(\.equalsFormula)),
      "steps": .array(steps.map(step)), "expert_load": load.json,
    ])
  }

  private static func step(_ step: RecordedStep) -> JSONValue {
    .members([
      "step": .integer(Int64(clamping: step.step.rawValue)), "rows": .array(step.rows.map { .count($0) }),
      "bytes": .count(step.bytes), "formula_bytes": .count(step.formulaBytes),
      "operations": .array(
        step.operations.map { operation in
          .members([
            "operation": .string(operation.operation.name),
            "layer": operation.layer.map { .count($0) } ?? .null, "bytes": .count(operation.bytes),
            "formula_bytes": .count(operation.formulaBytes),
            "messages": .array(
              operation.messages.map {
                .members([
                  "from": .count($0.sender), "to": .count($0.receiver), "bytes": .count($0.bytes),
                ])
              }),
          ])
        }),
    ])
  }
}
