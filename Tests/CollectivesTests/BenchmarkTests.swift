import Collectives
import Testing

@Test("a measurement that makes no sense is refused before a process is started")
func refusedMeasurements() {
  func refusal(
    _ operation: CollectiveOperation = .allReduce, ranks: Int = 2, bytes: [Int] = [1024], iterations: Int = 10
  ) -> String? {
    do {
      _ = try CollectiveBenchmark.run(
        operation: operation, ranks: ranks, bytes: bytes, transport: .ipc, iterations: iterations)
      return nil
    } catch {
      return error.description
    }
  }
  #expect(refusal(.barrier)?.contains("all-reduce") == true)
  #expect(refusal(ranks: 0)?.contains("1 to 64") == true)
  #expect(refusal(ranks: 65)?.contains("65") == true)
  #expect(refusal(bytes: [1024, 6])?.contains("6") == true)
  #expect(refusal(bytes: [1 << 40]) != nil)
  #expect(refusal(iterations: 0)?.contains("iterations") == true)
}

@Test(
  "a rank that is started by hand with nonsense ends with the code of wrong usage",
  arguments: [
    [], ["x"], ["ipc:///tmp/a", "2", "2", "ipc:///tmp/b"], ["ipc:///tmp/a", "0", "900", "ipc:///tmp/b"],
    ["ipc:///tmp/a", "-1", "2", "ipc:///tmp/b"], ["nowhere", "0", "2", "ipc:///tmp/b"],
  ])
func rankUsage(arguments: [String]) {
  #expect(CollectiveBenchmark.rankMain(arguments) == 2)
}
