import remarkLint from 'remark-lint';
import prohibitedStrings from 'remark-lint-prohibited-strings';
import validateLinks from 'remark-validate-links';

/** Links between documents must lead somewhere, and the worst of the old dialect must not come back. */
export default {
  plugins: [
    remarkLint,
    [validateLinks, { repository: false }],
    [
      prohibitedStrings,
      [
        { no: 'whoever', yes: 'the actor by its name' },
        { no: 'nobody', yes: 'the actor by its name' },
        { no: 'somebody', yes: 'the actor by its name' },
        { no: 'tells', yes: 'reports, logs or returns' },
        { no: 'told', yes: 'reported, logged or returned' },
        { no: 'mend', yes: 'fix' },
        { no: 'looks at', yes: 'reads' },
      ],
    ],
  ],
};
