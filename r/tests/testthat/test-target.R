test_that("log densities and gradients are those of the function, by rows", {
  points <- matrix(c(0.3, -1.2, 2, 0.5, 1, -4), 3, byrow = TRUE)
  for (target in list(riffle_target(banana, dim = 2), riffle_target(banana_rows, dim = 2, vectorized = TRUE),
                      riffle_target(~ -x^2 / 2 - 2 * (x^2 - y)^2))) {
    expect_equal(target$dim, 2)
    expect_equal(target$log_density(points), apply(points, 1, function(x) as.vector(banana(x))))
    expect_equal(target$gradient(points), t(apply(points, 1, function(x) attr(banana(x), "gradient"))))
    expect_equal(target$log_density(points[2, ]), as.vector(banana(points[2, ])))
    expect_equal(target$gradient(points[2, ]), attr(banana(points[2, ]), "gradient"))
  }
})

test_that("a gradient may be a function, or is taken by differences and said so", {
  plain <- function(x) as.vector(banana(x))
  x <- c(0.7, -0.4)
  given <- riffle_target(plain, dim = 2, gradient = function(x) attr(banana(x), "gradient"))
  expect_identical(given$gradient(x), attr(banana(x), "gradient"))
  expect_message(by_differences <- riffle_target(plain, dim = 2), "8 evaluations")
  expect_equal(by_differences$gradient(x), attr(banana(x), "gradient"), tolerance = 1e-9)
  rows <- riffle_target(function(x) as.vector(banana_rows(x)), dim = 2, vectorized = TRUE, quiet = TRUE)
  expect_equal(rows$gradient(rbind(x, 2 * x)), rbind(attr(banana(x), "gradient"), attr(banana(2 * x), "gradient")),
               tolerance = 1e-9, ignore_attr = TRUE)
})

test_that("check_gradient() tells right from wrong, and which coordinate", {
  expect_true(check_gradient(banana, dim = 2)$passed)
  wrong <- check_gradient(function(x) structure(-sum(x^2) / 2, gradient = c(-x[1], -2 * x[2])), dim = 2)
  expect_false(wrong$passed)
  expect_equal(wrong$faults$coordinate, 2)
  expect_output(print(wrong), "NOT")
})

test_that("what a function should not do is said", {
  expect_error(riffle_target(normal), "dim", class = "riffle_usage_error")
  expect_error(riffle_target(normal, dim = 0), "at least|of 1 to", class = "riffle_usage_error")
  expect_error(riffle_target(normal, dim = 2.5), "whole", class = "riffle_usage_error")
  expect_error(riffle_target(function(x) "a", dim = 1), "character", class = "riffle_usage_error")
  expect_error(riffle_target(function(x) NULL, dim = 1), "NULL", class = "riffle_usage_error")
  expect_error(riffle_target(function(x) x, dim = 2), "length 2", class = "riffle_usage_error")
  expect_error(riffle_target(function(x) structure(0, gradient = 1), dim = 2), "gradient", class = "riffle_usage_error")
  expect_error(riffle_target(normal, names = c("a", "b"), dim = 3), "2 names of 3", class = "riffle_usage_error")
  expect_error(riffle_target("nonsense"), "nonsense", class = "riffle_usage_error")
  expect_error(riffle_target("no_such.stan"), "no_such.stan", class = "riffle_no_input")
  expect_error(riffle_target(~ -x^2 + foo(y)), "foo", class = "riffle_usage_error")
  expect_error(riffle_target(y ~ x), "right side", class = "riffle_usage_error")
  expect_error(riffle_target(normal, dim = 2)$log_density(1:3), "3 numbers", class = "riffle_usage_error")
  expect_error(riffle_target(normal, dim = 2)$log_density(matrix(0, 2, 3)), "3 columns", class = "riffle_usage_error")
})

test_that("an error of the function is raised as itself", {
  calls <- 0
  failing <- function(x) {
    calls <<- calls + 1
    if (calls == 1000) stop(errorCondition("at the thousandth", class = "my_error"))
    normal(x)
  }
  expect_error(riffle_fit(failing, dim = 2, seed = 1), "at the thousandth", class = "my_error")
})

test_that("data for Stan are JSON as it takes them", {
  json <- riffle:::stan_json(list(n = 3L, x = c(1, 2.5, 1 / 3), one = as.array(2), m = matrix(1:4, 2),
                                  f = factor(c("b", "a")), b = TRUE, none = integer(0)))
  found <- jsonlite::fromJSON(json)
  expect_identical(found$x, c(1, 2.5, 1 / 3))
  expect_match(json, "\"n\":3,", fixed = TRUE)
  expect_match(json, "\"one\":[2]", fixed = TRUE)
  expect_match(json, "\"m\":[[1,3],[2,4]]", fixed = TRUE)
  expect_match(json, "\"f\":[2,1]", fixed = TRUE)
  expect_match(json, "\"none\":[]", fixed = TRUE)
  expect_error(riffle:::stan_json(list(x = c(1, NA))), "missing", class = "riffle_usage_error")
  expect_error(riffle:::stan_json(list(x = "a")), "character", class = "riffle_usage_error")
  expect_error(riffle:::stan_json(list(1)), "names", class = "riffle_usage_error")
})
