import Reports
import Testing

@testable import Compare

@Suite struct EnoughTests {
    private func samples(rounds: Int, spread: Double) -> [CompareRecord.Sample] {
        Sessions(rounds: rounds, readings: [.cpu], spread: spread).record().samples
    }

    @Test func `narrow intervals end it, when there are rounds enough to believe them`() {
        let enough = Enough(rounds: nil, precision: 0.03)

        for (rounds, spread, ending): (Int, Double, CompareRecord.Ending?) in [
            (19, 0.001, nil), (20, 0.001, .precise), (20, 0.2, nil), (0, 0.1, nil),
        ] {
            let samples = samples(rounds: rounds, spread: spread)
            #expect(enough.ending(of: samples, baseline: 0, isTimeOver: false) == ending)
        }
    }

    @Test func `time ends it in any case, and rounds where they were asked for`() {
        let wide = samples(rounds: 20, spread: 0.2)
        let narrow = samples(rounds: 20, spread: 0.001)

        #expect(
            Enough(rounds: nil, precision: 0.03).ending(of: wide, baseline: 0, isTimeOver: true)
                == .time)
        let fixed = Enough(rounds: 21, precision: 0.03)
        #expect(fixed.ending(of: narrow, baseline: 0, isTimeOver: true) == nil)
        #expect(
            Enough(rounds: 20, precision: 0.03)
                .ending(of: wide, baseline: 0, isTimeOver: false) == .rounds)
    }

    @Test func `where the baseline is not there, the others end it, and never as precise`() {
        let samples = samples(rounds: 20, spread: 0.001).filter { $0.arm != 0 }
        let (rounds, free) = (
            Enough(rounds: 20, precision: 0.03), Enough(rounds: nil, precision: 0.03)
        )

        #expect(rounds.ending(of: samples, baseline: 0, isTimeOver: false) == .rounds)
        #expect(free.ending(of: samples, baseline: 0, isTimeOver: false) == nil)
        #expect(free.ending(of: samples, baseline: 0, isTimeOver: true) == .time)
    }

    @Test func `an arm without a ratio is not precise`() {
        var samples = samples(rounds: 20, spread: 0.001)
        for index in samples.indices where samples[index].arm == 2 {
            samples[index].readings[.cpu] = 0
        }

        #expect(
            Enough(rounds: nil, precision: 0.03)
                .ending(of: samples, baseline: 0, isTimeOver: false) == nil)
    }
}
