import Coordination
import Testing
import Wire

@Suite struct StepOverheadsTests {
  @Test("a sample is the time between two steps' last results, less the slowest rank's work")
  func samples() {
    var overheads = StepOverheads()
    overheads.note(StepNumber(rawValue: 7), work: 400, at: 1000)
    // Two attention groups report step 8; the slower one comes first.
    overheads.note(StepNumber(rawValue: 8), work: 700, at: 1900)
    overheads.note(StepNumber(rawValue: 8), work: 600, at: 2000)
    overheads.note(StepNumber(rawValue: 9), work: 450, at: 2500)
    overheads.finish()
    #expect(overheads.samples == [300, 50])
    overheads.finish()
    #expect(overheads.samples == [300, 50])
  }

  @Test("steps of different runs, and work that began before the last result, give no sample")
  func gaps() {
    var overheads = StepOverheads()
    overheads.note(StepNumber(rawValue: 1), work: 10, at: 100)
    overheads.note(StepNumber(rawValue: 5), work: 10, at: 9000)
    overheads.note(StepNumber(rawValue: 6), work: 500, at: 9100)
    overheads.finish()
    #expect(overheads.samples.isEmpty)
  }
}
