import Compute
import Testing

@Suite struct InstructionSetTests {
  @Test func bestIsAvailable() {
    #expect(InstructionSet.best.isAvailable && InstructionSet.reference.isAvailable)
    #expect(KernelTable().instructionSet == .best)
    #expect(KernelTable(.reference).instructionSet == .reference)
  }

  @Test func namesFollowTheBits() {
    #expect(CPUFeatures.x86v3.names == ["avx2", "fma", "f16c", "bmi2"])
    #expect(CPUFeatures([.avx512vnni, .avx2]).description == "avx2 avx512vnni")
    #if arch(x86_64)
      #expect(CPUFeatures.current.isSuperset(of: .x86v3))
    #endif
  }
}
