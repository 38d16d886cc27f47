import Foundation
import ModelConfigs
import Parsing
import TestSupport
import Testing
import Topology

@testable import Planning

private func stepTime(
  _ name: String, _ shape: MeshShape, _ adjust: (inout MeshPlanOptions) -> Void = { _ in }
) throws -> StepTime {
  let path = Fixtures.packageRoot.appendingPathComponent(
    "Tests/GoldenTests/Fixtures/models/\(name)/config.json")
  let json = try JSONReader.parse([UInt8](Data(contentsOf: path)))
  var options = MeshPlanOptions()
  adjust(&options)
  return try MeshPlan(
    config: ModelConfig(json: json),
    textConfig: ModelTranslationRequest.textConfig(of: #require(json.object)),
    shape: shape, options: options
  ).stepTime
}

@Suite("Predicted steps")
struct StepTimeTests {
  /// Against every set of experts there is.
  @Test(arguments: [([4, 4], 2), ([4, 4], 5), ([2, 2, 2, 2], 3), ([3, 3, 2], 4), ([1, 7], 3), ([8], 3)])
  func theFullestBlockIsTheAverageOverAllChoices(blocks: [Int], chosen: Int) {
    let owners = blocks.enumerated().flatMap { Array(repeating: $0, count: $1) }
    var sum = 0.0
    var sets = 0.0
    for mask in 0..<(1 << owners.count) where mask.nonzeroBitCount == chosen {
      var counts = Array(repeating: 0, count: blocks.count)
      for (expert, owner) in owners.enumerated() where mask >> expert & 1 == 1 { counts[owner] += 1 }
      sum += Double(counts.max() ?? 0)
      sets += 1
    }
    let expected = sum / sets / (Double(chosen) / Double(blocks.count))
    #expect(abs(ExpertChance.imbalance(chosen: chosen, blocks: blocks) - expected) < 1e-12)
  }

  @Test func ratesAreThoseOfTheCacheThatFits() {
    var machine = MachineModel()
    machine.readRates = [(1, 1e6, 40e9), (1, 4e6, 20e9), (2, 1e6, 80e9), (2, 4e6, 30e9)].map {
      MachineModel.ReadRate(cores: $0.0, bytesPerCore: $0.1, bytesPerSecond: $0.2)
    }
    #expect(machine.readRate(cores: 1, bytesPerCore: 1e3) == 40e9)
    #expect(machine.readRate(cores: 1, bytesPerCore: 1e9) == 20e9)
    #expect(machine.readRate(cores: 2, bytesPerCore: 4e6) == 30e9)
    // Half way between the sizes, as caches count: the mean time per byte.
    #expect(abs(machine.readRate(cores: 1, bytesPerCore: 2e6) - 1 / ((1 / 40e9 + 1 / 20e9) / 2)) < 1)
  }

  @Test func theTermsAddUp() throws {
    for shape in [MeshShape.single, try MeshShape(tp: 4), try MeshShape(attnDP: 2, ep: 2, tp: 2)] {
      for cores in [nil, 1, 2, 64] as [Int?] {
        let time = try stepTime("mixtral", shape) { $0.machine.coresPerHost = cores }
        let terms = [
          time.computeSeconds, time.waitSeconds, time.wireSeconds, time.serialiseSeconds, time.controlSeconds,
        ]
        #expect(terms.allSatisfy { $0 >= 0 && $0.isFinite })
        #expect(abs(terms.reduce(0, +) - time.seconds) < 1e-12)
        let causes = [
          time.computeSeconds, time.imbalanceSeconds, time.exchangeSeconds, time.transferSeconds,
          time.controlSeconds,
        ]
        #expect(abs(causes.reduce(0, +) - time.seconds) < 1e-12)
        #expect((time.exchangeSeconds == 0) == (shape == .single))
      }
    }
  }

  /// Three ranks on two cores take as long as four.
  @Test func shortTurnsAreWhole() throws {
    func computing(_ ranks: Int, cores: Int) throws -> Double {
      let time = try stepTime("llama-gqa", MeshShape(tp: ranks)) { options in
        options.machine.coresPerHost = cores
        options.machine.exchangeSeconds = 0
        options.machine.messageSeconds = 0
        // Each operation its constant and nothing else.
        options.machine.memoryBytesPerSecond = 1e13
        options.machine.multiplyAddsPerSecond = 1e15
        options.contextLength = 0
      }
      return time.computeSeconds + time.waitSeconds
    }
    let (enough, crowded) = (try computing(4, cores: 4), try computing(4, cores: 2))
    #expect(crowded > 1.9 * enough && crowded < 2.1 * enough)
    let (three, two) = (try computing(3, cores: 2), try computing(2, cores: 2))
    #expect(three > 1.2 * two)
  }

  @Test func sharesByWeightLetTheFastRankReadMore() throws {
    let even = try stepTime("llama-gqa", MeshShape(tp: 2))
    let uneven = try stepTime("llama-gqa", MeshShape(tp: 2)) { $0.balance = [1, 3] }
    // On nodes that are alike the step waits for the larger share.
    #expect(uneven.waitSeconds > even.waitSeconds)
  }
}
