//! What two sequences have in common, in order.

/// For each token of `a` and of `b`, whether it is part of their longest common subsequence: the
/// tokens that a reader would call the same in both texts.
pub fn shared(a: &[u32], b: &[u32]) -> (Vec<bool>, Vec<bool>) {
    let width = b.len() + 1;
    // longest[i·width + j]: of a[i..] and b[j..].
    let mut longest = vec![0u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i * width + j] = match a[i] == b[j] {
                true => longest[(i + 1) * width + j + 1] + 1,
                false => longest[(i + 1) * width + j].max(longest[i * width + j + 1]),
            };
        }
    }
    let (mut in_a, mut in_b) = (vec![false; a.len()], vec![false; b.len()]);
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            (in_a[i], in_b[j]) = (true, true);
            (i, j) = (i + 1, j + 1);
        } else if longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    (in_a, in_b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_stands_out() {
        let (a, b) = shared(&[1, 5, 6, 7, 2], &[1, 5, 9, 6, 2]);
        assert_eq!(a, [true, true, true, false, true]);
        assert_eq!(b, [true, true, false, true, true]);
    }

    #[test]
    fn nothing_and_everything() {
        assert_eq!(shared(&[1, 2], &[]), (vec![false; 2], vec![]));
        assert_eq!(shared(&[4, 4], &[4]).0, [true, false]);
        assert_eq!(shared(&[3, 8], &[3, 8]), (vec![true; 2], vec![true; 2]));
    }

    proptest::proptest! {
        #[test]
        fn what_is_shared_reads_the_same_in_both(
            a in proptest::collection::vec(0u32..6, 0..30),
            b in proptest::collection::vec(0u32..6, 0..30),
        ) {
            let (in_a, in_b) = shared(&a, &b);
            let kept = |ids: &[u32], keep: &[bool]| -> Vec<u32> {
                ids.iter().zip(keep).filter(|(_, keep)| **keep).map(|(id, _)| *id).collect()
            };
            proptest::prop_assert_eq!(kept(&a, &in_a), kept(&b, &in_b));
        }
    }
}
