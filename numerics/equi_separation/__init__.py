"""What labelled features are measured by: class moments, separation fuzziness, neural collapse, the law."""
