import Compute
import Foundation
import Testing
import Topology
import WorkerRuntime

@Suite("Reference models")
struct LogitTests {
  @Test("logits and greedy tokens equal the reference", arguments: GoldenModel.names)
  func equalsReference(name: String) throws {
    let model = try GoldenModel(name)
    var worst: Float = 0
    var checked = 0
    for (index, prompt) in model.prompts.enumerated() {
      let sequence = KnownSequence(prompt: prompt.ids, continuation: Array(prompt.greedy.dropLast()))
      let logits = try MeshHarness.logits(model: model.directory, sequences: [sequence], shape: RunShape())[0]
      #expect(logits.count == prompt.greedy.count)
      for (a, b) in zip(logits[0], prompt.lastLogits) { worst = max(worst, abs(a - b)) }
      for (step, row) in logits.enumerated() where prompt.margins[step] > 1e-3 {
        let best = row.indices.max { (row[$0], -$0) < (row[$1], -$1) }
        #expect(best == Int(prompt.greedy[step]), "prompt \(index), step \(step)")
        checked += 1
      }
    }
    print("\(name): \(checked) greedy tokens, worst logit error \(worst)")
    #expect(worst < 2e-3)
  }
}
