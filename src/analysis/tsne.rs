//! A second picture of the same vectors: t-SNE keeps neighbours together, where principal components
//! keep large distances.

use super::projection::{pca, placed, spread};
use super::vectors::norm;

/// Fewer points have no neighbourhoods to keep.
pub const FEWEST: usize = 5;
/// The picture no longer moves after so many steps.
const EPOCHS: usize = 750;
/// How many neighbours count, for many points.
const PERPLEXITY: f64 = 15.;

/// t-SNE (van der Maaten & Hinton 2008) of n vectors by their angles, exact, begun at the principal
/// components so that the same vectors give the same picture. A vector that is not finite has no place.
/// None for fewer than [`FEWEST`] others, or where all lie in one direction.
pub fn tsne(vectors: &[Vec<f64>]) -> Option<Vec<[f64; 2]>> {
    // On one thread, as the order of its sums is otherwise another each time.
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .ok()?;
    let points = pool.install(|| laid_out(&placed(vectors)))?;
    Some(spread(vectors, points))
}

fn laid_out(vectors: &[Vec<f64>]) -> Option<Vec<[f64; 2]>> {
    let n = vectors.len();
    if n < FEWEST {
        return None;
    }
    let units: Vec<Vec<f64>> = vectors.iter().map(|vector| unit(vector)).collect();
    let start = pca(&units);
    let largest = start.points.iter().flatten();
    let largest = largest.fold(0_f64, |most, x| most.max(x.abs()));
    if largest <= 0. {
        return None;
    }
    // The usual start: so small that all points still feel each other.
    let start: Vec<f64> = start
        .points
        .iter()
        .flatten()
        .map(|x| 1e-4 * x / largest)
        .collect();
    let perplexity = PERPLEXITY.min((n - 1) as f64 / 3.);
    let distance = |a: &Vec<f64>, b: &Vec<f64>| {
        let squares = a.iter().zip(b).map(|(x, y)| (x - y) * (x - y));
        squares.sum::<f64>().sqrt()
    };
    let mut fit = bhtsne::tSNE::<f64, Vec<f64>, 2>::new(&units);
    fit.perplexity(perplexity)
        .epochs(EPOCHS)
        // Large steps throw few points far out (Belkina et al. 2019: n over the exaggeration).
        .learning_rate((n as f64 / 12.).max(10.))
        .initial_embedding(start)
        .exact(distance);
    let flat = fit.embedding();
    let points: Vec<[f64; 2]> = flat.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
    let finite = points.iter().flatten().all(|x| x.is_finite());
    (finite && points.len() == n).then_some(points)
}

fn unit(vector: &[f64]) -> Vec<f64> {
    let length = norm(vector);
    match length > 0. {
        true => vector.iter().map(|x| x / length).collect(),
        false => vector.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three bundles of directions, `each` vectors in each.
    fn bundles(each: usize) -> Vec<Vec<f64>> {
        let near = |bundle: usize, i: usize| {
            let mut vector = vec![0.01; 12];
            vector[4 * bundle] = 5.;
            vector[4 * bundle + 1 + i % 3] = 0.4 + 0.1 * (i / 3) as f64;
            vector
        };
        (0..3)
            .flat_map(|b| (0..each).map(move |i| near(b, i)))
            .collect()
    }

    fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
        (a[0] - b[0]).hypot(a[1] - b[1])
    }

    #[test]
    fn neighbours_stay_together_and_the_picture_is_the_same_each_time() {
        for each in [3, 8] {
            let vectors = bundles(each);
            let points = tsne(&vectors).unwrap();
            assert_eq!(tsne(&vectors).unwrap(), points);
            for i in 0..points.len() {
                let nearest = (0..points.len()).filter(|&j| j != i).min_by(|&j, &k| {
                    distance(points[i], points[j]).total_cmp(&distance(points[i], points[k]))
                });
                assert_eq!(nearest.unwrap() / each, i / each, "{i} of {each}");
            }
        }
    }

    #[test]
    fn the_length_of_a_vector_does_not_matter_and_too_few_give_none() {
        let vectors = bundles(3);
        let longer: Vec<Vec<f64>> = vectors
            .iter()
            .map(|v| v.iter().map(|x| 4. * x).collect())
            .collect();
        let (here, there) = (tsne(&vectors).unwrap(), tsne(&longer).unwrap());
        for (a, b) in here.iter().zip(there) {
            assert!(distance(*a, b) < 1e-6, "{a:?} {b:?}");
        }
        assert!(tsne(&vectors[..4]).is_none());
        assert!(
            tsne(&vec![vec![1., 2.]; 9]).is_none(),
            "one direction has no neighbours"
        );
    }
}
