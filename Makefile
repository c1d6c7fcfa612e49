# Two commands do everything: `make run` and `make test`. Both install what is missing first, and are quick the
# second time. What they do is in scripts/, one file per verb.

.PHONY: run test bench build setup fmt sqlx-prepare clean

run: ## install what is missing, build, start, and print the link to open
	@scripts/run.sh

test: ## install what is missing, then every check and every test there is
	@scripts/test.sh

bench: ## the ratios of CONTRIBUTING.md, from one interleaved run
	@scripts/bench.sh

build: ## the released executable and the site, in target/release
	@scripts/setup.sh build
	@scripts/build.sh release

fmt: ## format the Rust code
	@cargo fmt --all

sqlx-prepare: ## rewrite .sqlx after a query or a migration changed
	@scripts/sqlx-prepare.sh

clean: ## remove what was built here; databases and installed packages stay
	@rm -rf target end2end/node_modules scripts/node_modules end2end/test-results
