// Before each spec file of the project `secured`: its stacks start with --secured.
process.env.TEST_SECURED_STACK = 'true';
